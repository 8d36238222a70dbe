"""What a job is. Pure: the standard library and msgspec only, no store, no Django, no clock of its own."""
