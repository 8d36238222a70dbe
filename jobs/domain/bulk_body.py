"""From the bytes of a bulk request to the bytes of its jobs: a JSON array, or one JSON object a line (NDJSON).

Only the frame is judged here. Each job is read by itself afterwards, so one that is wrong does not harm the others.
"""

from __future__ import annotations

import msgspec

from jobs.domain.errors import InvalidInput, MalformedInput, Problem
from jobs.domain.payload import read_json

MAX_BULK_JOBS = 10_000
MAX_BULK_BYTES = 16 * 1024 * 1024
MAX_ATOMIC_JOBS = 1_000
# The media types of one JSON object a line.
LINES_TYPES = frozenset({"application/x-ndjson", "application/jsonl", "application/x-jsonlines"})

# A body of 16 MiB can hold millions of numbers, each of which costs a hundred bytes before it can be judged.
MAX_BULK_VALUES = 2_000_000
# Text that is neither an array nor JSON is read again to say which; not a large one, for that takes a second.
_READ_TO_SAY_WHY = 256 * 1024

_frame = msgspec.json.Decoder(list[msgspec.Raw])


def split_array(body: bytes) -> list[bytes]:
    """Return the text of each element of a JSON array. Raises MalformedInput or InvalidInput."""
    if body.count(b",") >= MAX_BULK_VALUES:
        detail = f"A bulk request holds at most {MAX_BULK_VALUES} values. Send it in parts."
        raise InvalidInput([Problem("", "too_many", detail)])
    try:
        elements = _frame.decode(body)
    except msgspec.ValidationError as not_an_array:
        if len(body) <= _READ_TO_SAY_WHY:
            read_json(body)
        raise InvalidInput([Problem("", "invalid_type", "The body must be a JSON array of jobs.")]) from not_an_array
    except (msgspec.MsgspecError, ValueError, RecursionError) as malformed:
        if len(body) <= _READ_TO_SAY_WHY:
            # The strict reader says it better, and where.
            read_json(body)
        raise MalformedInput(f"The body is not valid JSON: {malformed}.", code="invalid_json") from malformed
    return _bounded([bytes(element) for element in elements])


def split_lines(body: bytes) -> list[bytes]:
    """Return the text of each line that is not blank. Raises InvalidInput."""
    return _bounded([line for line in body.split(b"\n") if line.strip()])


def _bounded(texts: list[bytes]) -> list[bytes]:
    if not 1 <= len(texts) <= MAX_BULK_JOBS:
        detail = f"A bulk request holds 1–{MAX_BULK_JOBS} jobs, not {len(texts)}."
        raise InvalidInput([Problem("", "out_of_range", detail)])
    return texts
