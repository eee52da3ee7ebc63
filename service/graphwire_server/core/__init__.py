"""The rules of graphwire, and the ports that the rest of the server plugs into.

Owns what a run, a thread and an event are and how they may change. Knows no transport, no storage and no graph library:
standard library only.
"""
