"""Draws a JSON value as a tree that opens and closes. Every name and value is text: nothing in it can become markup."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from jobs.dashboard.templatetags.console import icon
from jobs.domain.payload import decode_json
from jobs.domain.redaction import Masked, place_in, redact

_MOST_NODES = 1_500
_LONGEST_TEXT = 4_000
_OPEN_DEPTH = 3
# The page has it twice then.
_LONGEST_COPY = 32 * 1024
_REST = gettext_noop("… the rest is not shown here; the API returns it whole")


def json_tree(text: bytes, shown: Collection[str] = (), *, may_reveal: bool = False) -> SafeString:
    """Draw JSON text with its secrets masked, but for those at the places `shown`.

    With `may_reveal` each masked field is a button that submits its place as `field`.
    """
    tree = _Tree(shown, may_reveal)
    return format_html('<div class="tree">{}</div>', tree.node(SafeString(""), redact(decode_json(text), shown), ""))


def tag_tree(tags: Collection[tuple[str, str]], address: Callable[[str], str]) -> SafeString:
    """Draw tags as a JSON object, each value a link to `address` of `name:value`."""
    leaf = '<div class="leaf"><span class="key">{}</span>: <a class="str" href="{}" title="{}">{}</a></div>'
    title = _("Jobs with this tag")
    drawn = [(name, address(f"{name}:{value}"), title, json.dumps(value, ensure_ascii=False)) for name, value in tags]
    head = f"{{ {_fields(len(drawn))} }}"
    return format_html(
        '<div class="tree"><details open><summary>{}</summary>{}</details></div>',
        head,
        format_html_join("", leaf, drawn),
    )


def copied_text(text: bytes) -> str:
    """Return JSON text as the page lets it be copied, every secret masked; an empty text where it is large."""
    if len(text) > _LONGEST_COPY:
        return ""
    return json.dumps(redact(decode_json(text)), ensure_ascii=False, indent=2, default=str)


class _Tree:
    """A drawing under way. It counts what it drew: a page stays small whatever the payload."""

    def __init__(self, shown: Collection[str], may_reveal: bool) -> None:
        self._shown = shown
        self._may_reveal = may_reveal
        self._left = _MOST_NODES

    def node(self, label: SafeString, value: object, at: str) -> SafeString:
        """Draw a value at a place."""
        self._left -= 1
        if isinstance(value, dict) and value:
            return self._branch(label, "{", f"{_fields(len(value))} }}", value.items(), at)
        if isinstance(value, list) and value:
            return self._branch(label, "[", f"{_items(len(value))} ]", enumerate(value), at)
        if isinstance(value, Masked):
            return format_html('<div class="leaf">{}{}</div>', label, self._mask(at))
        return format_html('<div class="leaf">{}{}</div>', label, _leaf(value))

    def _branch(
        self, label: SafeString, mark: str, note: str, items: Iterable[tuple[object, object]], at: str
    ) -> SafeString:
        drawn = []
        for name, value in items:
            if self._left <= 0:
                drawn.append(format_html('<div class="leaf muted">{}</div>', _(_REST)))
                break
            drawn.append(self._named(str(name), value, place_in(at, name)))
        inner = format_html_join("", "{}", ((part,) for part in drawn))
        is_open = at.count("/") < _OPEN_DEPTH or any(place.startswith(f"{at}/") for place in self._shown)
        head = format_html("<summary>{}{} {}</summary>", label, mark, note)
        return format_html("<details{}>{}{}</details>", SafeString(" open" if is_open else ""), head, inner)

    def _named(self, name: str, value: object, at: str) -> SafeString:
        drawn = self.node(format_html('<span class="key">{}</span>: ', name), value, at)
        return format_html('<div class="revealed">{}</div>', drawn) if at in self._shown else drawn

    def _mask(self, at: str) -> SafeString:
        said = format_html(
            '<span class="masked" title="{}">{}</span>', _("This field looks like a secret"), str(Masked())
        )
        if not self._may_reveal:
            return said
        return format_html(
            '{} <button class="quiet-button" name="field" value="{}" title="{}" aria-label="{}">{}</button>',
            said,
            at,
            _("Show it; the audit log keeps that you did"),
            _("Reveal %s") % at,
            icon("eye", "s"),
        )


def _fields(amount: int) -> str:
    return ngettext("%s field", "%s fields", amount) % amount


def _items(amount: int) -> str:
    return ngettext("%s item", "%s items", amount) % amount


def _leaf(value: object) -> SafeString:
    if isinstance(value, str):
        shown = value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "…"
        return format_html('<span class="str">{}</span>', json.dumps(shown, ensure_ascii=False))
    return format_html('<span class="lit">{}</span>', json.dumps(value))
