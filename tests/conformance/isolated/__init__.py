"""What graphs on event loops of their own must give alike: cases of `tests/conformance`, on a server with `--isolate-graphs`."""
