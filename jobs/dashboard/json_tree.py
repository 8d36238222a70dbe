"""Draws a JSON value as a tree that opens and closes. Every name and value is text: nothing in it can become markup."""

from __future__ import annotations

import json

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from jobs.dashboard.redaction import Masked, redact
from jobs.domain.payload import decode_json

_MOST_NODES = 1_500
_LONGEST_TEXT = 4_000
_OPEN_DEPTH = 3


class _Budget:
    """How many nodes may still be drawn: a page stays small whatever the payload."""

    def __init__(self) -> None:
        self.left = _MOST_NODES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def json_tree(text: bytes) -> SafeString:
    """Draw JSON text with its secrets masked."""
    return format_html('<div class="tree">{}</div>', _node(None, redact(decode_json(text)), 0, _Budget()))


def _node(name: str | None, value: object, depth: int, budget: _Budget) -> SafeString:
    if not budget.take():
        return SafeString("")
    label = SafeString("") if name is None else format_html('<span class="key">{}</span>: ', name)
    if isinstance(value, dict) and value:
        return _branch(label, "{", f"{_counted(len(value), 'field')} }}", value.items(), depth=depth, budget=budget)
    if isinstance(value, list) and value:
        return _branch(label, "[", f"{_counted(len(value), 'item')} ]", enumerate(value), depth=depth, budget=budget)
    return format_html('<div class="leaf">{}{}</div>', label, _leaf(value))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _branch(label: SafeString, mark: str, note: str, items: object, *, depth: int, budget: _Budget) -> SafeString:
    drawn = []
    for name, value in items:  # type: ignore[attr-defined]
        if budget.left <= 0:
            drawn.append(format_html('<div class="leaf muted">{}</div>', "… the rest is not shown here"))
            break
        drawn.append(_node(str(name), value, depth + 1, budget))
    inner = format_html_join("", "{}", ((part,) for part in drawn))
    is_open = SafeString(" open") if depth < _OPEN_DEPTH else SafeString("")
    return format_html("<details{}><summary>{}{} {}</summary>{}</details>", is_open, label, mark, note, inner)


def _leaf(value: object) -> SafeString:
    if isinstance(value, Masked):
        return format_html('<span class="masked" title="This field looks like a secret">{}</span>', str(value))
    if isinstance(value, str):
        shown = value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "…"
        return format_html('<span class="str">{}</span>', json.dumps(shown, ensure_ascii=False))
    return format_html('<span class="lit">{}</span>', json.dumps(value))
