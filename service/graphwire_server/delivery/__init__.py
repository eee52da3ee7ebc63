"""Calls webhooks: one signed request over HTTP for each attempt. Knows the core and its HTTP library, neither engine, wire nor storage."""
