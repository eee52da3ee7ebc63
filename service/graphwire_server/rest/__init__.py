"""The HTTP face: the documented LangGraph surface, REST and server-sent events, over the core.

Knows the core and its own framing. Which call of the core each route is stands in `runs.py`, `threads.py`, `assistants.py` and `meta.py`; `site.py`
joins them to one application, `server.py` listens.
"""
