"""The words of pages and templates: what people read or hear, and which of it nobody can translate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.template.base import Lexer, Token, TokenType

# What people read or hear of an element beside its text.
_SAID = frozenset(
    {"title", "aria-label", "placeholder", "alt", "label", "data-label", "data-confirm", "data-find", "data-single"}
)
_MACHINES = frozenset({"script", "style", "code", "kbd", "pre"})
# The same in each language: our name, units, and the names of standards and programs.
_NAMES = r"IronForge|UTC|ms|min|MiB|KiB|GiB|JSON|HTTP|SHA|URL|pid|fsync|Ctrl"
_WORD = re.compile(rf"(?!\b(?:{_NAMES})\b)(?<!\w)[^\W\d_]{{2,}}")
# An example of what to type is none: `queue.pause`, `{"team": "billing"}`.
_EXAMPLES = re.compile(r"\s*(?:[a-z0-9./:@_…-]*|\{.*\})\s*")
_EXAMPLE = re.compile(r"[a-z]+[.:@][\w.:@]+")
_BOUND = re.compile(r"""(?<![\w(])(?:(\w+)=|\w+:)(["'])(.*?)\2""")
# What `include` and filters are given that is no word.
_TECHNICAL = frozenset({"icon", "css", "confirm_css", "name", "place", "back", "of", "action", "what"})
_CODES = frozenset({"true,false", "http", "btn-main", "removed", "retries_exhausted", "running"})


class _Reader(HTMLParser):
    """Collects what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MACHINES:
            self._silent.append(tag)
        for name, value in attrs:
            is_example = name == "placeholder" and _EXAMPLES.fullmatch(value or "")
            if name in _SAID and value and not is_example:
                self.said.append(value)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.said.append(data.strip())


def said_in(page: str) -> list[str]:
    """Return the texts and the spoken attributes of a page."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.said


def has_words(text: str) -> bool:
    """Tell whether a text has words of a language, and not names and units alone."""
    return _WORD.search(text) is not None


def unmarked_in(template: str) -> list[str]:
    """Return what a template says that is not marked for translation."""
    tokens = Lexer(template).tokenize()
    page = "".join(token.contents if token.token_type == TokenType.TEXT else " " for token in _outside(tokens))
    found = [text for text in said_in(page) if has_words(text)]
    return found + [text for token in tokens for text in _constants(token) if has_words(text)]


def _outside(tokens: list[Token]) -> Iterator[Token]:
    """Leave out what is marked, and comments."""
    until = ""
    for token in tokens:
        name = token.contents.partition(" ")[0] if token.token_type == TokenType.BLOCK else ""
        if until:
            until = "" if name == until else until
        elif name in ("blocktranslate", "comment"):
            until = f"end{name}"
        else:
            yield token


def _constants(token: Token) -> Iterator[str]:
    """Return the texts that a tag is given or a filter falls back on: `title="No jobs"`, `default:"none"`."""
    text = token.contents
    is_include = token.token_type == TokenType.BLOCK and text.startswith("include ")
    if not is_include and token.token_type != TokenType.VAR:
        return
    if "|pluralize" in text:
        yield text
    for name, _quote, value in _BOUND.findall(text):
        if name not in _TECHNICAL and value not in _CODES and not _EXAMPLE.fullmatch(value):
            yield value


_NOW = frozenset({"gettext", "ngettext", "_"})
_MARKS = _NOW | {"gettext_noop", "gettext_lazy"}
# Two words beside each other, or one that begins like a sentence or is beside a value.
_PROSE = re.compile(r"[A-Za-z]{2,}[,:;.]? [A-Za-z(]|^[A-Z][a-z]{2,}\.?$|[A-Za-z]{3,} \{|\} [A-Za-z]{4,}")
# Markup, patterns and headers.
_NO_PROSE = re.compile(r"<|\(\?P|filename=|^icon ")


def unmarked_in_code(source: str) -> list[str]:
    """Return what a module says that is not marked, and what it translates when it is loaded, for nobody's language."""
    tree = ast.parse(source)
    early = [ast.unparse(call.args[0]).strip("'") for call in _calls_at_load(tree)]
    marked = {id(part) for node in ast.walk(tree) if _calls(node, _MARKS) for part in ast.walk(node)}
    told = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}  # type: ignore[attr-defined]
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [_text_of(node) for node in ast.walk(tree) if id(node) not in marked | told | parts]
    return early + [text for text in texts if _PROSE.search(text) and not _NO_PROSE.search(text) and has_words(text)]


def _calls(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _calls_at_load(tree: ast.Module) -> Iterator[ast.Call]:
    lazy = any(isinstance(node, ast.ImportFrom) and _is_late(node) for node in tree.body)
    waiting: list[ast.AST] = [] if lazy else list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and _calls(node, _NOW):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _is_late(line: ast.ImportFrom) -> bool:
    """Tell whether `_` only marks, or translates when it is shown."""
    return any(name.asname == "_" and name.name in ("gettext_noop", "gettext_lazy") for name in line.names)


def _has_docstring(node: ast.AST) -> bool:
    is_told = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    return is_told and ast.get_docstring(node) is not None  # type: ignore[arg-type]


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
