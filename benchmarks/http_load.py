"""Closed-loop load with wrk: as many requests as the server answers, over a fixed number of connections."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import toolchain
from benchmarks.process import Unfit, run_to_end

_SLACK_S = 20


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and what they carry."""

    port: int
    body: bytes
    path: str = "/jobs"
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Wrk:
    """The load generator, and a folder for its files. One thread does for all: no server here keeps it busy."""

    program: str
    folder: Path

    def press(self, target: Target, connections: int, seconds: int, requests: int = 0) -> dict[str, float]:
        """Return requests, seconds, p50_ms, p99_ms, max_ms, refused and broken. Raises Unfit when none succeeded.

        With `requests` it ends after that many; `seconds` is then the limit.
        """
        body = self.folder / "body"
        body.write_bytes(target.body)
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "BENCH_BODY": str(body),
            "BENCH_AUTHORIZATION": target.authorization or "none",
            "BENCH_REQUESTS": str(requests),
        }
        argv = [self.program, "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s", "--latency"]
        argv += ["-s", str(toolchain.PROGRAMS / "submit.lua"), f"http://127.0.0.1:{target.port}{target.path}"]
        answer = read(run_to_end(argv, environ, self.folder / "wrk.log", seconds + _SLACK_S, self.folder))
        if answer["requests"] - answer["refused"] <= 0:
            raise Unfit(f"{target.path} answered none of {answer['requests']:.0f} requests with success")
        return answer


def read(output: str) -> dict[str, float]:
    """Return what the Lua script printed among wrk's own lines. Raises Unfit."""
    for line in output.splitlines():
        if line.startswith("RESULT "):
            found: Mapping[str, float] = json.loads(line.removeprefix("RESULT "))
            return dict(found)
    raise Unfit("wrk printed no result")
