"""By what failures are alike: where they were raised or, where nothing tells that, what they say without its numbers.

The rule is written down in docs/errors.md. Whoever changes it makes new groups of the failures to come.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from jobs.domain.job import JobError

MAX_FRAMES = 5
_MAX_MESSAGE = 300
_MAX_WHERE = 200

_PYTHON = re.compile(r'^\s*File "([^"\n]{1,500})", line \d+, in ([^\n]{1,200})$', re.MULTILINE)
_BEGIN = "Traceback (most recent call last):"
# JavaScript and Java name the innermost frame first, Ruby too.
_AT = re.compile(r"^\s*at ([^\n]{1,300})$", re.MULTILINE)
_RUBY = re.compile(r"^\s*(?:from )?([^\s:][^\n:]{0,300}:\d+:in [^\n]{1,200})$", re.MULTILINE)
_LIBRARY = ("/site-packages/", "/dist-packages/", "/lib/python", "<frozen ", "/node_modules/", "node:", "/gems/")
_NAMED = re.compile(r"([^(]{1,300}?) ?\(([^()]{1,300})\)")
_PLACE_IN_FILE = re.compile(r":\d+(?::\d+)?")
_VARYING = (
    (re.compile(r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\""), "#"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "#"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){0,4}"), "#"),
    (re.compile(r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,64}\b", re.IGNORECASE), "#"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
    (re.compile(r"\s+"), " "),
)


@lru_cache(maxsize=16)
def site_of(error: JobError) -> str:
    """Return 12 hex digits that failures of one place, or with one message but for its numbers, have in common."""
    frames = frames_of(error.traceback)
    return _digest("\n".join(frames) if frames else plain_message(error.message), 6)


def group_id(kind: str, error_type: str, site: str) -> str:
    """Return the name of a group of failures, 16 hex digits."""
    return _digest(f"{kind}\0{error_type}\0{site}", 8)


def where_of(traceback: str) -> str:
    """Return the place in the application's code that raised, '' where the traceback does not tell one."""
    frames = frames_of(traceback)
    return frames[0][:_MAX_WHERE] if frames else ""


def frames_of(traceback: str) -> list[str]:
    """Return the application's frames that are nearest to the failure, the innermost first, without line numbers.

    Those of libraries are left out, unless there are no others.
    """
    last = traceback.rpartition(_BEGIN)[2]
    frames = [f"{path} in {name.strip()}" for path, name in reversed(_PYTHON.findall(last))]
    frames = frames or [_plain_frame(frame) for frame in (_AT.findall(traceback) or _RUBY.findall(traceback))]
    own = [frame for frame in frames if not any(part in frame for part in _LIBRARY)]
    return [_short(frame) for frame in (own or frames)[:MAX_FRAMES]]


def plain_message(message: str) -> str:
    """Return the first line of a message with `#` for what differs each time: numbers, ids, addresses, quoted words."""
    text = message.strip().partition("\n")[0][:_MAX_MESSAGE]
    for pattern, plain in _VARYING:
        text = pattern.sub(plain, text)
    return text


def _plain_frame(frame: str) -> str:
    """Return `path in name` of `name (path:line:column)`, as JavaScript and Java have it, or of Ruby's form."""
    frame = _PLACE_IN_FILE.sub("", frame).replace(":in ", " in ")
    named = _NAMED.fullmatch(frame)
    return f"{named[2]} in {named[1]}" if named else frame


def _short(frame: str) -> str:
    """Keep the last two parts of a path: the rest is where the code was unpacked, not which code it is."""
    path, mark, name = frame.partition(" in ")
    return "/".join(path.replace("\\", "/").split("/")[-2:]) + mark + name


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).hexdigest()
