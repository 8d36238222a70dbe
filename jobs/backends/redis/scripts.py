"""Loads the Lua transitions: one file each, whose header names its keys and arguments.

The loader turns the header into the first line that Redis reads (`#!lua name… flags=…`, which makes even a one-node
Cluster refuse a key of another slot) and into local variables, so a header cannot lie.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jobs.backends.redis.assembly import assemble

LUA_DIR = Path(__file__).parent / "lua"
_HEADER = re.compile(r"^-- (FLAGS|KEYS|ARGV)(?: +(\S+))?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One transition: its Lua text, the text's SHA-1 as Redis names it, and the names of its keys and arguments."""

    name: str
    text: str
    sha: str
    key_names: tuple[str, ...]
    arg_names: tuple[str, ...]
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of a script says: its flags, and the names of its keys and arguments."""

    flags: str
    key_names: tuple[str, ...]
    arg_names: tuple[str, ...]


@cache
def load_header(name: str) -> Header:
    """Return the header of the script `name`."""
    found = _HEADER.findall(_source(name))
    flags = [value for part, value in found if part == "FLAGS"]
    key_names, arg_names = (tuple(value for part, value in found if part == wanted) for wanted in ("KEYS", "ARGV"))
    return Header("".join(flags), key_names, arg_names)


@cache
def load_script(name: str, *, has_test_clock: bool) -> Script:
    """Return the script `name`. With a test clock the key `test_clock` moves or sets its time (ms)."""
    source, header = _source(name), load_header(name)
    flags, arg_names = header.flags, header.arg_names
    key_names = (*header.key_names, "test_clock") if has_test_clock else header.key_names
    text = "\n".join(
        [
            # Keys and arguments stand outside of the function that uses them: what it hands on to its own functions is
            # found at once, while each local name of a function that runs is looked for among all others.
            *(f"#!lua flags={flags}" if flags else "#!lua", "local run", "do"),
            *(*_locals("KEYS", key_names), *_locals("ARGV", arg_names), "function run()"),
            assemble(source, LUA_DIR / "include", has_test_clock=has_test_clock).rstrip("\n"),
            *("end", "end", "return run()", ""),
        ]
    )
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(name, text, sha, key_names, arg_names, flags == "no-writes")


def all_script_names() -> list[str]:
    """Return the names of all transitions."""
    return sorted(path.stem for path in LUA_DIR.glob("*.lua"))


def _source(name: str) -> str:
    return (LUA_DIR / f"{name}.lua").read_text(encoding="utf-8")


def _locals(table: str, names: tuple[str, ...]) -> list[str]:
    return [f"local {name} = {table}[{number}]" for number, name in enumerate(names, 1)]
