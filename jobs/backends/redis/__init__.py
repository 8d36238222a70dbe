"""The Redis store: every transition is one Lua file, every operation a call that two runners carry out."""

from jobs.backends.redis import lean_client

lean_client.load()
