"""The gRPC face: framing, status and conversion between protos and the core. Thin: rules that two faces need are in the core."""
