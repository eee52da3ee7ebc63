"""The messages and stubs of `graphwire.v1`, generated from `protos/graphwire/v1` by `make gen`. Never edited."""
