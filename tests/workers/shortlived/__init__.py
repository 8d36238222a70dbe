"""Handlers beside which every child dies at once."""
