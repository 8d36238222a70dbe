"""What somebody might send instead of JSON and instead of a form."""

from __future__ import annotations

PLACES = {
    "a deep value": b'{"kind":"k","payload":[{"a":[%s]}]}', "a member": b"%s",
    "a number": b'{"kind":"k","max_retries":%s,"reason":1}',
}  # fmt: skip
WORDS = [
    b"NaN", b"-Infinity", b"1e999", b"9" * 5_000, b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff"', b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf1",
    b'"\x00"', b"'x'", b"0x10", b"01", b"+1", b".5", b"1.", b"tru", b"{}{}", b"[1,]", b'{"a":1,"a":2}',
    b"/**/1", b"[" * 200, b'"' + b"\\" * 5, b"\x1b[2J", b'"\t"', b"undefined", b"--1", b"1_0", b"{1:2}",
    b"[" * 67 + b"1" + b"]" * 67,
]  # fmt: skip
BROKEN = [place % word for place in PLACES.values() for word in WORDS]

MEDIA_TYPES = [
    "", "text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "application/json, text/plain", "application/problem+json", "\x7f/;=;",
]  # fmt: skip

_FIELDS = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data; boundary=x"


def _part(named: bytes = b'name="id"', more: bytes = b"") -> bytes:
    return b"--x\r\nContent-Disposition: form-data; " + named + b"\r\n" + more + b"\r\n1\r\n"


_EVERY_FIELD = (b"reason", b"back", b"id", b"confirm", b"error", b"until_ms", b"payload", b"next", b"account")
FORMS: dict[str, tuple[str, bytes]] = {
    "no form": ("application/json", b'{"reason":"x"}'),
    "no type": ("", b"reason=x"),
    "empty": ("text/plain", b""),
    "bad UTF-8": (_FIELDS, b"reason=%ff%fe\xff&\xff=1&confirm=%ed%a0%80&id=%c0%af"),
    "NUL": (_FIELDS, b"&".join(name + b"=%00" for name in _EVERY_FIELD)),
    "digits of others": (_FIELDS, b"action=retry&id=x&until_ms=" + "\u0661".encode() * 9),
    "many fields": (_FIELDS, b"&".join(b"f%d=1" % number for number in range(3_000))),
    "many ids": (_FIELDS, b"action=discard&" + b"&".join([b"id=x"] * 1_900)),
    "long": (_FIELDS, b"&".join(name + b"=" + b"x" * 90_000 for name in _EVERY_FIELD)),
    "deep": (_FIELDS, b"payload=" + b"[" * 100_000),
    "another charset": (f"{_FIELDS}; charset=hex", b"reason=%41"),
    "parts of another charset": (f"{_PARTS}; charset=hex", _part() + b"--x--"),
    "parts without boundary": ("multipart/form-data", _part()),
    "a strange boundary": ("multipart/form-data; boundary=\xff", _part()),
    "cut parts": (_PARTS, _part()[:-2]),
    "a cut head": (_PARTS, _part()[:20]),
    "a part in base64": (_PARTS, _part(more=b"Content-Transfer-Encoding: base64\r\n") + b"--x--"),
    "a file": (_PARTS, _part(b'name="id"; filename="../../x"') + b"--x--"),
    "encoded names": (_PARTS, _part(b"name*=hex''%41; filename*=nope''%41") + b"--x--"),
    "many parts": (_PARTS, _part() * 2_500 + b"--x--"),
    "many files": (_PARTS, _part(b'name="f"; filename="f"') * 200 + b"--x--"),
}
