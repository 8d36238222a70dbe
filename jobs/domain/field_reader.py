"""Takes the fields of a request's body: those of `Reader`, texts and lists, and the JSON around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.payload import MAX_BODY_DEPTH, has_lone_surrogate, read_json
from jobs.domain.quick_json import ODD, read_quickly
from jobs.domain.reader import Reader

# Of a body that holds the words of many jobs: what nests too deep in one of them must not refuse the others.
DEEP = 4 * MAX_BODY_DEPTH


class FieldReader(Reader):
    """The fields of one JSON object and what is wrong with them."""

    def __init__(self, source: dict[str, object], pointer: str, problems: list[Problem], known: frozenset[str]) -> None:
        super().__init__(source, pointer, problems)
        self.refuse_unknown(known)

    def refuse_whole(self, code: str, detail: str) -> None:
        """Add a problem with the object itself."""
        self._problems.append(Problem(self._pointer, code, detail))

    def text(self, field: str, longest: int, default: str = "") -> str:
        """Return a text that can be shown on one line."""
        value = self._source.get(field)
        if value is None:
            return default
        if not isinstance(value, str):
            self.refuse(field, "invalid_type", f"{field} must be a string.")
        elif len(value) > longest:
            self.refuse(field, "too_large", f"{field} has at most {longest} characters.")
        elif not value.isprintable():
            self.refuse(field, "invalid_text", f"{field} holds characters that cannot be shown.")
        else:
            return value
        return default

    def long_text(self, field: str) -> str:
        """Return a text of any length and with any characters that can be stored; an empty one for none."""
        value = self._source.get(field)
        if value is None:
            return ""
        if not isinstance(value, str) or has_lone_surrogate(value):
            self.refuse(field, "invalid_type", f"{field} must be a string of Unicode characters.")
            return ""
        return value

    def optional_integer(self, field: str, low: int, high: int) -> int | None:
        """Return an integer within bounds; None for none."""
        return self.integer(field, low, high, low) if self.has(field) else None

    def names(
        self, field: str, most: int, is_valid: Callable[[str], bool], rule: str, *, is_required: bool
    ) -> tuple[str, ...]:
        """Return names that match their pattern, each once; `rule` says it for people."""
        found: dict[str, None] = {}
        for place, item in self.items(field, most, is_required=is_required):
            if not isinstance(item, str):
                self.refuse_at(f"{field}/{place}", "invalid_type", "A name is a string.")
            elif not is_valid(item):
                self.refuse_at(f"{field}/{place}", "invalid_name", f"A name must match {rule}.")
            else:
                found[item] = None
        return tuple(found)

    def objects(
        self, field: str, most: int, known: frozenset[str], *, is_required: bool = True
    ) -> Iterator[tuple[int, FieldReader]]:
        """Yield the objects of an array with their places."""
        for place, item in self.items(field, most, is_required=is_required):
            if isinstance(item, dict):
                yield place, FieldReader(item, f"{self._pointer}/{field}/{place}", self._problems, known)
            else:
                self.refuse_at(f"{field}/{place}", "invalid_type", "This must be an object.")

    def inner(self, field: str, source: dict[str, object], known: frozenset[str]) -> FieldReader:
        """Return the reader of an object that stands in a field."""
        return FieldReader(source, f"{self._pointer}/{field}", self._problems, known)

    def items(self, field: str, most: int, *, is_required: bool) -> Iterator[tuple[int, object]]:
        """Yield what stands in an array, with its places."""
        value = self._source.get(field)
        if value is None and not (is_required or field in self._source):
            return
        if field not in self._source:
            self.refuse(field, "required", f"{field} is required.")
        elif not isinstance(value, list):
            self.refuse(field, "invalid_type", f"{field} must be an array.")
        elif len(value) > most or (is_required and not value):
            self.refuse(field, "out_of_range", f"{field} must hold {int(is_required)}–{most} items.")
        else:
            yield from enumerate(value)


def read_object(
    body: bytes, known: frozenset[str], take: Callable[[FieldReader], None], *, max_depth: int = MAX_BODY_DEPTH
) -> None:
    """Let `take` take the fields of a JSON object. Raises MalformedInput, or InvalidInput with all problems."""
    value = read_quickly(body)
    if value is ODD:
        value = read_json(body, max_depth=max_depth)
    if not isinstance(value, dict):
        raise InvalidInput([Problem("", "invalid_type", "The body must be a JSON object.")])
    problems: list[Problem] = []
    take(FieldReader(value, "", problems, known))
    if problems:
        raise InvalidInput(problems)
