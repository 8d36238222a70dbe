"""The house is in order: keys, interface, loops, and nothing left behind."""

from __future__ import annotations

from tests.torture.history import History
from tests.torture.invariants.finding import Judgement

ANSWER_MS = 2000.0
LOOP_MS = 5000.0


def structure(history: History) -> Judgement:
    """I14: each job stands in one index at every moment that was looked at, and no worker had to repair anything."""
    judged = Judgement()
    for text in history.strays[:20]:
        judged.add(f"during the run {text}", text.split()[1])
    for text in history.structure[:20]:
        judged.add(f"at the end {text}")
    for name in history.foreign_keys:
        judged.add(f"a key of nobody: {name}")
    for ns, totals in history.totals.items():
        if totals.get("repaired"):
            judged.add(f"{ns}: workers had to repair {totals['repaired']:.0f} jobs")
    if history.missed:
        judged.add(f"events were dropped {history.missed} times before a reader of 20 looks a second saw them")
    return judged


def interface(history: History) -> Judgement:
    """I16: no 5xx but 503, each of those says when to come again, answers come in time, and logs are clean."""
    judged = Judgement()
    times = []
    for line in history.clients:
        status = line.get("http") or 0
        if status >= 500 and status != 503:
            judged.add(f"{line['verb']} was answered with {status}: {line.get('problem')}")
        elif status == 503 and not line["retry_after"]:
            judged.add(f"{line['verb']} was answered with 503 and no Retry-After: {line.get('problem')}")
        if status and not _is_way_broken(history, line):
            times.append(line["took_ms"] - history.stalled_ms(line["sent_ms"], line["at_ms"]))
    times.sort()
    slowest_ms = times[int(len(times) * 0.99)] if times else 0.0
    if slowest_ms > ANSWER_MS:
        judged.add(f"1 % of {len(times)} answers took {slowest_ms:.0f} ms and more")
    for text in history.log[:20]:
        judged.add(text)
    judged.note = f"99 % of {len(times)} answers within {slowest_ms:.0f} ms"
    return judged


def _is_way_broken(history: History, line: dict[str, object]) -> bool:
    """Tell whether the way to the server or the server itself was broken while a request was under way."""
    spans = list(history.down.get("server", []))
    spans += [
        (fault["at_ms"], fault["at_ms"] + fault["for_ms"])
        for fault in history.faults
        if fault["event"] == "broken" and (fault["target"] == "http" or fault["kind"].startswith("server_"))
    ]
    return any(begin <= float(str(line["at_ms"])) and end >= float(str(line["sent_ms"])) for begin, end in spans)


def loops(history: History) -> Judgement:
    """I17: after the heal each loop does its work within seconds, and nobody had to help."""
    judged = Judgement()
    for name, took_ms in history.probes.items():
        if took_ms is None:
            judged.add(f"{name} did not work again")
        elif took_ms > LOOP_MS + history.stalled_ms(history.healed_ms, history.healed_ms + 120_000):
            judged.add(f"{name} took {took_ms:.0f} ms")
    known = [took_ms for took_ms in history.probes.values() if took_ms is not None]
    judged.note = f"{len(known)} loops, the slowest {max(known, default=0.0):.0f} ms"
    return judged


def leaks(history: History) -> Judgement:
    """I18: files, threads, memory and connections are as at the start; everybody ends with code 0 and leaves nobody."""
    judged = Judgement()
    for text in history.leaks:
        judged.add(text)
    for name, code in history.exit_codes.items():
        if code != 0:
            judged.add(f"{name} ended with code {code}")
    return judged
