"""Handlers of the demonstration, loaded with IRONFORGE_DEMO only: see `workers.discovery`."""
