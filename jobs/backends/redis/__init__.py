"""The Redis store: every transition is one Lua file, every operation a call that two runners carry out."""
