"""What only the embedded engine has: files, locks, grouped commits."""
