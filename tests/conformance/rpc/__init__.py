"""The life of a run as a Python program meets it over gRPC: the project's own client, on real servers."""
