"""Handlers in child processes (`isolation="process"`): ADR 0023. Loaded only by workers that have such handlers."""
