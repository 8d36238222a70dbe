"""A program that uses IronForge."""
