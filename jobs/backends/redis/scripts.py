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


@cache
def load_script(name: str, *, has_test_clock: bool = False) -> Script:
    """Return the script `name`. With a test clock the key `test_clock` moves or sets its time (ms)."""
    source = (LUA_DIR / f"{name}.lua").read_text(encoding="utf-8")
    flags = ""
    key_names: list[str] = []
    arg_names: list[str] = []
    for part, value in _HEADER.findall(source):
        if part == "FLAGS":
            flags = value
        else:
            (key_names if part == "KEYS" else arg_names).append(value)
    if has_test_clock:
        key_names.append("test_clock")
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
    return Script(name, text, sha, tuple(key_names), tuple(arg_names), flags == "no-writes")


def all_script_names() -> list[str]:
    """Return the names of all transitions."""
    return sorted(path.stem for path in LUA_DIR.glob("*.lua"))


def _locals(table: str, names: list[str]) -> list[str]:
    return [f"local {name} = {table}[{number}]" for number, name in enumerate(names, 1)]
