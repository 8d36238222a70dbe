"""The version of the SDK, which it tells the server."""

from __future__ import annotations

__version__ = "0.1.0"
