"""The core of IronForge: everything but the site around it and the workers."""

__version__ = "0.1.0"
