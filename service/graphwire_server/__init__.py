"""The server of graphwire: LangGraph graphs over gRPC.

A request goes `rpc -> core -> engine -> event log -> core.follow -> rpc`. `app.py` joins the layers.
"""
