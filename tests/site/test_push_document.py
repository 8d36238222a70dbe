"""The code that verifies signatures, as docs/push.md shows it, is run: signed passes, changed and old are refused."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from jobs.domain.signature import new_secret, signed_headers
from tests.processes.running import ROOT

DOCUMENT = (ROOT / "docs" / "push.md").read_text().partition("## Verify the signature")[2]
BODY = '{"type":"job.completed","é":1}'.encode()
Verify = Callable[[str, Mapping[str, str], bytes, Path], bool]


def code(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found, language
    return found[1]


def in_python(secret: str, headers: Mapping[str, str], body: bytes, _: Path) -> bool:
    names: dict[str, Callable[..., None]] = {}
    exec(code("python"), names)  # noqa: S102 (it is the documentation's)
    try:
        names["verify"](secret, headers, body)
    except ValueError:
        return False
    return True


def in_the_example(secret: str, headers: Mapping[str, str], body: bytes, _: Path) -> bool:
    names = runpy.run_path(str(ROOT / "examples" / "receive.py"))
    given = [headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")]
    return bool(names["is_signed"](secret, *given, body))


def in_bash(secret: str, headers: Mapping[str, str], body: bytes, folder: Path) -> bool:
    (folder / "body").write_bytes(body)
    given = {
        "id": headers["webhook-id"],
        "sent_at": headers["webhook-timestamp"],
        "signature": headers["webhook-signature"],
        "secret": secret,
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(["bash", "-c", code("bash")], cwd=folder, env=given, capture_output=True, check=False)
    return done.stdout.strip() == b"ok"


def in_node(secret: str, headers: Mapping[str, str], body: bytes, folder: Path) -> bool:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node here")
    (folder / "verify.mjs").write_text(code("js"))
    (folder / "body").write_bytes(body)
    program = (
        'import { readFileSync } from "node:fs"; import { verify } from "./verify.mjs";'
        'verify(process.argv[2], JSON.parse(process.argv[3]), readFileSync("body"));'
    )
    (folder / "main.mjs").write_text(program)
    argv = [node, "main.mjs", secret, json_of(headers)]
    return subprocess.run(argv, cwd=folder, capture_output=True, check=False).returncode == 0


def json_of(headers: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":"{value}"' for name, value in headers.items()) + "}"


@pytest.mark.parametrize("verify", [in_python, in_the_example, in_bash, in_node])
def test_the_documented_code_knows_what_is_signed(verify: Verify, tmp_path: Path) -> None:
    secret, other, now = new_secret(), new_secret(), int(time.time())
    headers = signed_headers([other, secret], "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00", now, BODY)
    assert verify(secret, headers, BODY, tmp_path)
    assert verify(other, headers, BODY, tmp_path)
    assert not verify(new_secret(), headers, BODY, tmp_path)
    assert not verify(secret, headers, BODY + b" ", tmp_path)
    assert not verify(secret, headers | {"webhook-id": "another"}, BODY, tmp_path)
    # Five minutes are let pass. One ahead of time comes nearer while it is tried, on a slow machine by a minute.
    for away_s in (-310, 360):
        at = int(time.time()) + away_s
        assert not verify(secret, signed_headers([secret], "id", at, BODY), BODY, tmp_path), "a replay"
