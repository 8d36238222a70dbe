"""A signed-in reader of the console: how long its pages take, and what a first visit fetches."""

from __future__ import annotations

import gzip
import http.client
import re
import time
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

from benchmarks.process import Unfit
from benchmarks.stack import Stack

# What a page, a style sheet and a script fetch by themselves.
_FETCHED = (
    re.compile(r'<(?:script|img)\b[^>]*\bsrc="([^"]+)"'),
    re.compile(r'<link\b[^>]*\brel="(?:stylesheet|icon|modulepreload)"[^>]*\bhref="([^"]+)"'),
    re.compile(r'<use\b[^>]*\bhref="([^"]+)"'),
    re.compile(r"""url\(["']?([^"')]+)"""),
    re.compile(r"""(?:from|import)\s*["'](\.[^"']+)["']"""),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the text, the bytes that crossed the wire, and after how long (ms)."""

    text: str
    size: int
    ms: float


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads pages with the cookie of a session, each over a new connection as a first visit does."""

    port: int
    cookie: str

    def get(self, address: str, *, is_fragment: bool = False) -> Answer:
        """Return a page, compressed on its way as browsers ask for it. Raises Unfit unless it is shown."""
        headers = {"Cookie": self.cookie, "Accept-Encoding": "gzip"} | ({"HX-Request": "true"} if is_fragment else {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        started = time.perf_counter()
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        took_ms = (time.perf_counter() - started) * 1000
        connection.close()
        if answer.status != http.client.OK:
            raise Unfit(f"GET {address} answered {answer.status}")
        size = len(body)
        if answer.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(body.decode(errors="replace"), size, took_ms)

    def weight(self, address: str) -> int:
        """Return the bytes of a page and of all that it fetches, styles, scripts, icons and what these fetch."""
        left, seen, total = [address], set[str](), 0
        while left:
            at = left.pop()
            if at in seen:
                continue
            seen.add(at)
            answer = self.get(at)
            total += answer.size
            left += [] if at.endswith(".svg") else linked(answer.text, at)
        return total


def signed_in(stack: Stack, port: int) -> Reader:
    """Return the administrator of a stack as a reader."""
    return Reader(port, stack.people.cookie if stack.people else "")


def linked(text: str, address: str) -> list[str]:
    """Return the addresses on the same server that a page, a style sheet or a script fetches by itself."""
    found = [urldefrag(urljoin(address, name)).url for pattern in _FETCHED for name in pattern.findall(text)]
    return [one for one in dict.fromkeys(found) if one.startswith("/") and not urlsplit(one).netloc]
