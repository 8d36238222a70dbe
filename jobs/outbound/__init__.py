"""Requests to addresses that others chose: sent to checked addresses only, and bounded in time and size."""
