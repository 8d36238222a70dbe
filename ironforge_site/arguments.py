"""What the command line says before Django reads it."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise

_ROLES = {
    "ironforge": "supervisor",
    "runworker_ironforge": "worker",
    "runloops_ironforge": "loops",
    "collectstatic": "static",
}


def process_role(argv: list[str]) -> str:
    """Say which process this is, by its command line, which children keep; `server` for whatever is nothing else."""
    return _ROLES.get(argv[1] if len(argv) > 1 else "", "server")


def values_of(arguments: list[str], name: str) -> list[str]:
    """Return the values given for an option, as `--name value` or `--name=value`."""
    spaced = [value for option, value in pairwise(arguments) if option == name]
    return spaced + [text.removeprefix(f"{name}=") for text in arguments if text.startswith(f"{name}=")]


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
