"""One condition on payloads: `order.id:42` means that at that path there is 42, as a number or as a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

MAX_MATCHES = 3
MAX_LENGTH = 300
MAX_STEPS = 16
RULE = "is a path and a value, such as order.id:42, of at most 300 characters and 16 steps"

# A step of the path ends at a dot, the path at a colon; a backslash makes either an ordinary character.
_STEP = re.compile(r"((?:[^\\.:]|\\.)+)([.:])", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class PayloadMatch:
    """What must stand at `path` (names, or numbers of items): `value` as text. Of a list one item is enough."""

    path: tuple[str, ...]
    value: str

    @property
    def needle(self) -> bytes:
        """Return bytes that a fitting payload certainly holds: all payloads are written by one encoder."""
        return msgspec.json.encode(self.value or self.path[-1])[1:-1]

    def fits(self, payload: bytes) -> bool:
        """Tell whether a payload, JSON text, has that value there. One that cannot be read has nothing."""
        try:
            there: object = msgspec.json.decode(payload)
        except msgspec.MsgspecError:
            return False
        for step in self.path:
            there = _below(there, step)
        items = there if isinstance(there, list) else [there]
        return any(self._is_it(item) for item in items)

    def _is_it(self, item: object) -> bool:
        if isinstance(item, str):
            return item == self.value
        if self.value in _WORDS:
            return item is _WORDS[self.value]
        if isinstance(item, bool) or not isinstance(item, int | float):
            return False
        return msgspec.json.encode(item).decode() == self.value


def read_payload_match(text: str) -> PayloadMatch | None:
    """Return what a text such as `order.id:42` asks for, None if it is none; `payload.` may stand before it."""
    if len(text) > MAX_LENGTH or "\0" in text:
        return None
    text = text.removeprefix("payload.")
    steps: list[str] = []
    at = 0
    while (found := _STEP.match(text, at)) is not None:
        steps.append(_ESCAPE.sub(r"\1", found[1]))
        at = found.end()
        if found[2] == ":":
            return PayloadMatch(tuple(steps), text[at:]) if len(steps) <= MAX_STEPS else None
    return None


def _below(there: object, step: str) -> object:
    if isinstance(there, dict):
        return there.get(step, _NOTHING)
    if isinstance(there, list) and step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(there):
        return there[int(step)]
    return _NOTHING
