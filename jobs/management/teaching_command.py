"""What commands share whose help teaches."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs import __version__


class TeachingCommand(BaseCommand):
    """A command with a help of several lines, and IronForge's version."""

    def get_version(self) -> str:
        """Return IronForge's version, not Django's."""
        return __version__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the help."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)
