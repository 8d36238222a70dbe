"""`python -m benchmarks`: measure, print, keep; or make the page of a run that was kept."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine, options, page, report, toolchain
from benchmarks.catalogue import MEASURES
from benchmarks.plan import FULL, SHORT, TINY, Plan
from benchmarks.progress import Progress
from benchmarks.result import load
from benchmarks.run import Run
from benchmarks.stack import Builder

PUBLISHED = toolchain.HERE / "published.json"


def main(words: list[str]) -> int:
    """Do what the command line says; 0 when every measure that was asked for has a reading of IronForge."""
    asked = options.parse(words)
    if asked.is_list:
        print(options.listing())
        return 0
    if asked.publish is not None:
        return _publish(asked.publish)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    progress = Progress()
    out = asked.out or toolchain.HERE / "results" / f"{time.strftime('%Y-%m-%dT%H%M%S')}.json"
    with tempfile.TemporaryDirectory(prefix="ironforge-bench-", ignore_cleanup_errors=True) as scratch:
        builder = Builder(Path(scratch), progress.say, asked.peer_store)
        run = Run(_plan(asked), builder, progress, wanted=asked.peers)
        run.result.facts = _facts(run.plan)
        try:
            is_whole = _measure(run, asked, out)
        except KeyboardInterrupt:
            progress.clear()
            print(f"interrupted; what was measured is in {out}", file=sys.stderr)
            return 130
    print(f"written to {out}")
    return 0 if is_whole else 1


def _measure(run: Run, asked: options.Options, out: Path) -> bool:
    is_whole = True
    for measure in MEASURES:
        is_asked = measure.name in asked.only if asked.only else (measure.is_short or asked.full)
        if not is_asked:
            continue
        measure.take(run)
        run.progress.clear()
        print(report.text(measure, run.result), flush=True)
        run.result.save(out)
        is_whole = is_whole and "ironforge" in run.result.competitors(measure.name)
    return is_whole


def _plan(asked: options.Options) -> Plan:
    plan = TINY if asked.tiny else (FULL if asked.full else SHORT)
    if asked.rounds is None:
        return plan
    return dataclasses.replace(plan, rounds=asked.rounds, latency_rounds=asked.rounds)


def _facts(plan: Plan) -> dict[str, object]:
    asked = ["git", "-C", str(toolchain.ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit or "unknown",
        "form": plan.form,
        "machine": machine.facts(),
        "versions": machine.versions() | toolchain.versions(),
        "load": machine.load(),
        "plan": dataclasses.asdict(plan),
    }


def _publish(paths: tuple[Path, ...]) -> int:
    first, *later = paths or (PUBLISHED,)
    result = load(first)
    for path in later:
        result.put_over(load(path))
    result.save(PUBLISHED)
    for written in page.publish(result):
        print(f"written: {written.relative_to(toolchain.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
