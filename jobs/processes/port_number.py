"""The type of the option `--port`."""

from __future__ import annotations

from argparse import ArgumentTypeError


def port_number(text: str) -> int:
    """Parse a port. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port (1 to 65535)")
    return int(text)
