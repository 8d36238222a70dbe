"""Runs the cases, several at once, and tells what came out."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ironforge_client.conformance import leases, orders, outcomes
from ironforge_client.conformance.case import CASES, Case
from ironforge_client.conformance.gate import Gate
from ironforge_client.conformance.stage import Stage, Unmet
from ironforge_client.connection import Place
from ironforge_client.errors import IronForgeError

# Importing them filled the list.
MODULES = (outcomes, leases, orders)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case; `reason` is empty when it passed, `output` is the end of what the program wrote."""

    case: Case
    reason: str
    output: str
    took_s: float

    @property
    def is_passed(self) -> bool:
        """Tell whether the program did what it must."""
        return not self.reason


def play_all(
    place: Place, argv: Sequence[str], cases: Sequence[Case], at_once: int, show: Callable[[Verdict], None]
) -> list[Verdict]:
    """Play cases, `at_once` programs at a time; `show` is called for each as it ends. Returns them in order."""
    gentle = [case for case in cases if case.is_gentle]
    parts = [[case] for case in cases if not case.is_gentle] + ([gentle] if gentle else [])
    found: list[Verdict] = []
    with ThreadPoolExecutor(at_once) as pool:
        for verdicts in pool.map(lambda part: _play(place, argv, part), parts):
            for verdict in verdicts:
                show(verdict)
                found.append(verdict)
    return sorted(found, key=lambda verdict: cases.index(verdict.case))


def chosen(words: Sequence[str]) -> list[Case]:
    """Return the cases whose name holds one of the words; all without words."""
    return [case for case in CASES if not words or any(word.lower() in case.name.lower() for word in words)]


def _play(place: Place, argv: Sequence[str], cases: Sequence[Case]) -> list[Verdict]:
    """Play cases one after the other on one stage."""
    verdicts: list[tuple[Case, str, float]] = []
    with Gate(place.base_url) as gate:
        stage = Stage(place, argv, gate)
        try:
            started = _reason(stage, Stage.start) if cases[0].is_gentle else ""
            for case in cases:
                began = time.monotonic()
                reason = started or _reason(stage, case.play)
                verdicts.append((case, reason, time.monotonic() - began))
        finally:
            stage.close()
    return [Verdict(case, reason, stage.told, took_s) for case, reason, took_s in verdicts]


def _reason(stage: Stage, play: Callable[[Stage], None]) -> str:
    try:
        play(stage)
    except Unmet as unmet:
        return str(unmet)
    except IronForgeError as error:
        return f"the server refused what the kit asked: {error}"
    except Exception:  # noqa: BLE001 (a fault of the kit must not end the others)
        return f"a fault of the kit: {traceback.format_exc()}"
    return ""
