"""What a caller of the HTTP face meets, on real servers, over real connections."""
