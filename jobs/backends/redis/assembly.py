"""Puts the parts of a script together.

A line `-- @include name` stands for a part, whose text takes its place. Redis runs the whole text of a script at each
call, so a part costs at each call what its functions are to make, whether anybody calls them or not: more than the work
itself, where a single job is submitted, claimed or settled. `-- @include name late` is a part that is made when one of
its functions is called for the first time; late parts in a row are made together. Nothing else about it differs, so a
late part may declare for others only functions, and tables of functions (ADR 0061).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

_INCLUDE = re.compile(r"^-- @include (\w+)\n", re.MULTILINE)
_LATE_ROW = re.compile(r"(?:^-- @include \w+ late\n)+", re.MULTILINE)
_LATE = re.compile(r"^-- @include (\w+) late\n", re.MULTILINE)
_REMARK = re.compile(r"('(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")|--(?! @include )[^\n]*")
_DECLARATION = re.compile(r"^local (?:function (\w+)(?=\()|(\w+(?:, \w+)*)$|(\w+(?:, \w+)*) = (?=(.)))", re.MULTILINE)
_DEFINITION = re.compile(r"^\s*function (\w+)\(", re.MULTILINE)

_MADE_LATE = """{declared}do
  local is_made = false
  local function make()
    if is_made then
      error('a late part was called before it was made')
    end
    is_made = true
{part}
  end
{stand_ins}
end
"""
_FUNCTION = "  function {0}(...) make() return {0}(...) end"
_TABLE = "  {0} = setmetatable({{}}, {{__index = function(_, name) make() return {0}[name] end}})"


_NUMBERS = re.compile(r"^ *local ([A-Z]\w*(?:, [A-Z]\w*)*) = (\d+(?:\.\d+)?(?:, \d+(?:\.\d+)?)*)\n", re.MULTILINE)
# Of locals, parameters and loops.
_NAMED = re.compile(r"\blocal (?!function)([^=\n]+)|\bfunction[^(\n]*\(([^)\n]*)\)|\bfor ([\w, ]+?) (?:in|=)")
# A string, or a word with a capital letter, which may be a field, given a value or the end of another word.
_TOKEN = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|[A-Z]\w*")
_GIVEN_A_VALUE = re.compile(r" *=[^=]")


# What a table that is not made yet would be asked in vain.
_TOUCHED = (
    r"function {0}[.:]|(?<![\w.]){0}(?:\.\w+|\[[^\]\n]*\])(?:, [\w.]+)* = "
    r"|#{0}\b|\b(?:i?pairs|next|unpack)\({0}\b"
)


class AssemblyError(ValueError):
    """A part that cannot be made late, or a text that would not be what it seems, and why."""


def assemble(source: str, parts: Path, *, has_test_clock: bool = False) -> str:
    """Return the text of a script with its parts, from the folder `parts`, in their places. Raises AssemblyError."""

    def part_of(match: re.Match[str]) -> str:
        name = "now_test" if match[1] == "now" and has_test_clock else match[1]
        return _part(parts / f"{name}.lua")

    text = _INCLUDE.sub(part_of, _folded(_without_remarks(source), is_whole=False))
    made = iter(_made_late([_LATE.sub(part_of, row) for row in _LATE_ROW.findall(text)], _LATE_ROW.sub("", text)))
    text = _folded(_LATE_ROW.sub(lambda _: next(made), text), is_whole=True)
    if "@include" in text:
        raise AssemblyError(f"not understood: {text[text.index('@include') :].splitlines()[0]}")
    return text


@cache
def _part(path: Path) -> str:
    return _folded(_without_remarks(path.read_text(encoding="utf-8")), is_whole=False)


def _without_remarks(text: str) -> str:
    return _REMARK.sub(lambda found: found[1] or "", text)


def _folded(text: str, *, is_whole: bool) -> str:
    """Return Lua in which numbers stand in place of the names of constants.

    A function holds on to each name outside of it that it uses, and to find the name costs more than to use it. Of a
    part those are folded that it keeps to itself, which stand in a block; of a whole script all that are declared once.
    """
    found = [each for each in _NUMBERS.finditer(text) if is_whole or each[0].startswith(" ")]
    if not found:
        return text
    declared = Counter(re.findall(r"[A-Z]\w*", " ".join(map(" ".join, _NAMED.findall(text)))))
    found = [each for each in found if all(declared[name] == 1 for name in each[1].split(", "))]
    later = {name for each in found for name in each[1].split(", ")}
    numbers: dict[str, str] = {}

    def number(token: re.Match[str]) -> str:
        name = token[0]
        if (name not in later and name not in numbers) or not _is_a_use(token):
            return name
        if name in later:
            raise AssemblyError(f"{name}: it is used before it is declared")
        return numbers[name]

    # Each process pays for this when it starts: the text is gone through once.
    pieces: list[str] = []
    at = 0
    for each in found:
        pieces.append(_TOKEN.sub(number, text[at : each.start()]))
        names = each[1].split(", ")
        numbers.update(zip(names, each[2].split(", "), strict=True))
        later.difference_update(names)
        at = each.end() - 1
    return "".join([*pieces, _TOKEN.sub(number, text[at:])])


def _is_a_use(token: re.Match[str]) -> bool:
    """Tell whether a word is a name of its own whose value is asked for, not a field, nor given a value."""
    text, start = token.string, token.start()
    before = text[start - 1 : start]
    if (before.isalnum() or before in ("_", ".", ":")) and text[max(0, start - 2) : start] != "..":
        return False
    return not _GIVEN_A_VALUE.match(text, token.end())


def _is_touched(name: str, others: list[str]) -> bool:
    lines = [line for other in others for line in other.splitlines() if name in line]
    return bool(re.search(_TOUCHED.format(name), "\n".join(lines)))


def _made_late(rows: list[str], always: str) -> list[str]:
    """Return rows of late parts, each as a function that makes them; `always` is what stands between the rows."""
    texts = [*rows, always]
    words = [set(re.findall(r"\w+", text)) for text in texts]
    made: list[str] = []
    for place, row in enumerate(rows):
        named_elsewhere = set().union(*words[:place], *words[place + 1 :])
        made.append(_row_made_late(row, named_elsewhere, [*texts[:place], *texts[place + 1 :]]))
    return made


def _row_made_late(part: str, named_elsewhere: set[str], others: list[str]) -> str:
    """Return a row of parts as a function, and in place of what it declares for others what makes it first."""
    functions = set(_DEFINITION.findall(part))
    ours: list[str] = []
    tables: list[str] = []

    def declared(found: re.Match[str]) -> str:
        function, names, with_values, value = found.groups()
        known = (function or names or with_values).split(", ")
        outward = [name for name in known if name in named_elsewhere]
        ours.extend(outward)
        if not outward:
            return found[0]
        if function:
            functions.add(function)
            return f"function {function}"
        if names:
            inward = ", ".join(name for name in known if name not in outward)
            return f"local {inward}" if inward else ""
        if len(known) > 1 or value != "{":
            raise AssemblyError(f"{', '.join(outward)}: others name it, and it is neither a function nor a table")
        if _is_touched(known[0], others):
            raise AssemblyError(f"{known[0]}: another part has to do with all of it, and must stand in the same row")
        tables.append(known[0])
        return f"{known[0]} = "

    text = _DECLARATION.sub(declared, part)
    for name in ours:
        if name not in functions and name not in tables:
            raise AssemblyError(f"{name}: others name it, and nothing here defines it")
    # Those that another part declared and left to this one.
    lent = sorted(name for name in functions if name in named_elsewhere and name not in ours)
    declared_ours = f"local {', '.join(ours)}\n" if ours else ""
    stand_ins = [(_TABLE if name in tables else _FUNCTION).format(name) for name in [*ours, *lent]]
    return _MADE_LATE.format(declared=declared_ours, part=text.rstrip("\n"), stand_ins="\n".join(stand_ins))
