"""A small Django app whose handlers IronForge runs."""
