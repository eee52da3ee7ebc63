"""The v2 event protocol: a thread's log as envelopes, and commands beside it.

What LangGraph's SDKs call `threads.stream`. Nothing in here is imported before somebody asks for it.
"""
