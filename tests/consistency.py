"""Looks through a namespace's raw keys for what must never be: a job in no index or in two, counts that are wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, cast

import msgspec

from jobs.backends.redis.connection import Client
from jobs.backends.redis.keys import Keys
from jobs.domain.status import Status
from tests.pages import listed_ids, wrong_pages
from tests.ties import wrong_ties

# By which include/limiter.lua raises the score of what it holds back.
HELD = 1e12
# Where the turns of fair queues are, as include/fair.lua has them, each priority in a band of its own.
FAIR, FAIR_BAND = 3e10, 1e10
_FINAL_BY_SIZE = (b"completed", b"cancelled")


def faults_of(client: Client, keys: Keys) -> list[str]:
    """Return what is wrong with a namespace at rest, in words; [] when all is well."""
    jobs = _jobs(client, keys)
    places = _places(client, keys)
    held, lists = _held(client, keys)
    fair = {field.decode() for field in client.hkeys(keys.named("fair"))}
    faults = [f"{job_id} stands in {sorted(found)}" for job_id, found in places.items() if len(found) > 1]
    for job_id, found in places.items():
        if job_id not in jobs:
            faults.append(f"{job_id} stands in {sorted(found)} without a job")
    for job_id, job in jobs.items():
        wanted = _place_of(job)
        if list(places.get(job_id, {})) != [wanted]:
            faults.append(f"{job_id} is {job[b'status']!r} and stands in {sorted(places.get(job_id, {}))}")
        elif job[b"status"] == b"queued" and places[job_id][wanted] >= HELD:
            if not _fits(held.get(job_id, 0), job, fair):
                faults.append(f"{job_id} is held back, and no list brings it back")
        elif job[b"status"] == b"queued" and not _fits(places[job_id][wanted], job, fair):
            faults.append(f"{job_id} has score {places[job_id][wanted]!r}, not {_score(job)!r}")
        if (job[b"status"] == b"running") != bool(job.get(b"lease")):
            faults.append(f"{job_id} is {job[b'status']!r}, and its lease does not fit")
    faults += _strays(lists, jobs, places)
    faults += _wrong_holders(client, keys, jobs) + _wrong_workflows(client, keys, jobs)
    faults += wrong_ties(client, keys, jobs)
    return faults + _wrong_sums(client, keys, jobs) + _wrong_logs(client, keys, jobs)


def contents_of(client: Client, keys: Keys) -> dict[str, object]:
    """Return everything that a namespace's keys hold, its workers' too, so that a test can say *nothing changed*."""
    tag = keys.named("pages").partition("/")[0]
    found = sorted(key.decode() for key in client.scan_iter(f"{tag}/*", count=1000))
    return {key: _content(client, key) for key in found}


def _content(client: Client, key: str) -> object:
    kind = client.type(key)
    if kind == b"hash":
        return client.hgetall(key)
    if kind == b"zset":
        return client.zrange(key, 0, -1, withscores=True)
    if kind == b"list":
        return client.lrange(key, 0, -1)
    return client.xrange(key) if kind == b"stream" else client.get(key)


def _jobs(client: Client, keys: Keys) -> dict[str, dict[bytes, bytes]]:
    prefix = keys.named("job_prefix")
    found = [key.decode() for key in client.scan_iter(f"{prefix}*", count=1000)]
    return {key.removeprefix(prefix): client.hgetall(key) for key in found}


def _places(client: Client, keys: Keys) -> dict[str, dict[str, float]]:
    """Return for each id that stands in any index of a status: index → score."""
    prefix = keys.named("queue_prefix")
    indexes = {keys.index(status): status.value for status in Status if status is not Status.QUEUED}
    indexes |= {key.decode(): "queue:" + key.decode().removeprefix(prefix) for key in client.scan_iter(f"{prefix}*")}
    places: dict[str, dict[str, float]] = {}
    for key, name in indexes.items():
        for job_id, score in client.zrange(key, 0, -1, withscores=True):
            places.setdefault(job_id.decode(), {})[name] = score
    return places


def _held(client: Client, keys: Keys) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Return the score of each job that a limit holds back, from lists that will be looked at, and every list."""
    prefix = keys.named("held_prefix")
    held: dict[str, float] = {}
    for pair in client.zrange(keys.named("held"), 0, -1):
        found = client.zrange(f"{prefix}{pair.decode()}", 0, -1, withscores=True)
        held |= {job_id.decode(): score for job_id, score in found}
    lists = {
        key.decode().removeprefix(prefix): [job_id.decode() for job_id in client.zrange(key, 0, -1)]
        for key in client.scan_iter(f"{prefix}*", count=1000)
    }
    return held, lists


def _strays(
    lists: dict[str, list[str]], jobs: dict[str, dict[bytes, bytes]], places: dict[str, dict[str, float]]
) -> list[str]:
    """Return who stands in the list of a limiter that does not hold it back: nobody would ever take it out."""
    faults = []
    for pair, ids in lists.items():
        limiter, queue = pair.rsplit(" ", 1)
        for job_id in ids:
            score = places.get(job_id, {}).get(f"queue:{queue}", 0.0)
            if score < HELD or limiter not in _limiters(_spec(jobs[job_id])):
                faults.append(f"{job_id} stands in the list {pair!r}, which does not hold it back")
    return faults


def _wrong_holders(client: Client, keys: Keys, jobs: dict[str, dict[bytes, bytes]]) -> list[str]:
    """Return the limiters of which others are counted as running than run."""
    faults = []
    running: dict[str, set[str]] = defaultdict(set)
    for job_id, job in jobs.items():
        if job[b"status"] == b"running":
            for limiter in _limiters(_spec(job)):
                running[limiter].add(job_id)
    prefix = keys.named("holders_prefix")
    counted = {
        name.decode(): msgspec.msgpack.decode(packed)[0]
        for name, packed in client.hgetall(keys.named("limits")).items()
    }
    found = {key.decode().removeprefix(prefix) for key in client.scan_iter(f"{prefix}*")}
    for limiter in running.keys() | found:
        holders = {job_id.decode() for job_id in client.zrange(prefix + limiter, 0, -1)}
        wanted = running[limiter] if counted.get(_limit_of(limiter)) else set()
        if holders != wanted:
            faults.append(f"{limiter!r} is held by {sorted(holders)}, and {sorted(wanted)} run")
    names = {pair.decode() for pair in client.zrange(keys.named("held_names"), 0, -1)}
    looks = {pair.decode() for pair in client.zrange(keys.named("held"), 0, -1)}
    return faults + [f"held and held_names differ by {sorted(names ^ looks)}"] * (names != looks)


def _limiters(spec: list[Any]) -> list[str]:
    """Return what may limit a job, as include/limiter.lua names it."""
    key = spec[14] if len(spec) > 14 else None
    return [spec[0], f"q:{spec[1]}", *([f"b:{spec[0]}:{key}"] if key else [])]


def _limit_of(limiter: str) -> str:
    return ":".join(limiter.split(":")[:2])


def _wrong_workflows(client: Client, keys: Keys, jobs: dict[str, dict[bytes, bytes]]) -> list[str]:
    """Return the workflows whose counts or steps are wrong, and steps that wait though nothing is left to wait for."""
    letters = {b"waiting": b"w", b"completed": b"c", b"dead_letter": b"d", b"cancelled": b"x"}
    untold = client.llen(keys.named("workflow_prefix") + "~work") + client.llen(keys.named("workflow_walks"))
    faults = []
    for workflow_id in client.zrange(keys.named("workflows"), 0, -1):
        graph = client.hgetall(keys.named("workflow_prefix") + workflow_id.decode())
        states = {int(field[1:]): state for field, state in graph.items() if field[:1] == b"s" and field[1:].isdigit()}
        for letter in b"w", b"a", b"c", b"d", b"x":
            number = sum(state == letter for step, state in states.items() if step)
            if int(graph[letter]) != number:
                faults.append(f"workflow {workflow_id!r} counts {graph[letter]!r} {letter!r}, and there are {number}")
        for step, state in states.items():
            job = jobs.get(graph.get(b"j%d" % step, b"").decode())
            if job is not None and letters.get(job[b"status"], b"a") != state:
                faults.append(f"step {step} of {workflow_id!r} is {state!r}, and its job {job[b'status']!r}")
            parents = [states[int(parent)] for parent in graph.get(b"a%d" % step, b"").split()]
            policy = graph.get(b"f%d" % step, graph[b"policy"])
            waits_for_letter = policy == b"wait" and b"d" in parents
            if state == b"w" and not untold and not {b"w", b"a"} & set(parents) and not waits_for_letter:
                faults.append(f"step {step} of {workflow_id!r} waits, and its parents are {parents}")
        if graph[b"status"] == b"running" and not untold and graph[b"w"] == graph[b"a"] == b"0":
            faults.append(f"workflow {workflow_id!r} runs, and none of its steps does")
    return faults


def _place_of(job: dict[bytes, bytes]) -> str:
    status = job[b"status"].decode()
    return f"queue:{_spec(job)[1]}" if status == "queued" else status


def _spec(job: dict[bytes, bytes]) -> list[Any]:
    """Return kind, queue, rank … as include/spec.lua has them."""
    return cast("list[Any]", msgspec.msgpack.decode(job[b"spec"]))


def _score(job: dict[bytes, bytes]) -> float:
    spec = _spec(job)
    offset = spec[5] if len(spec) > 5 and spec[5] is not None else spec[2] * 1000
    return float(offset) + float(job[b"ready_at"]) / 1_000_000


def _fits(score: float, job: dict[bytes, bytes], fair: set[str]) -> bool:
    """Tell whether a score is the job's, or one of the turns of its priority in a queue that has any."""
    spec = _spec(job)
    if score >= FAIR:
        return spec[1] in fair and (score - FAIR) // FAIR_BAND == spec[2]
    return abs(score - _score(job)) <= 1e-6


def _wrong_sums(client: Client, keys: Keys, jobs: dict[str, dict[bytes, bytes]]) -> list[str]:
    wanted = Counter(f"{_spec(job)[1]}|{job[b'status'].decode()}|{_spec(job)[2]}".encode() for job in jobs.values())
    sizes = (len(job[b"payload"]) + len(job.get(b"result", b"")) for job in jobs.values() if _is_sized(job))
    wanted[b"jobs"] = len(jobs)
    wanted[b"bytes"] = sum(sizes)
    wanted[b"log_bytes"] = sum(int(job.get(b"log_bytes", b"0")) for job in jobs.values())
    counted = {field: int(number) for field, number in client.hgetall(keys.named("counts")).items()}
    # A payload that somebody took away from outside goes on being counted.
    are_whole = all(b"payload" in job for job in jobs.values())
    stored = sum(len(job[b"payload"]) + len(job.get(b"result", b"")) for job in jobs.values()) if are_whole else 0
    wanted[b"stored"] = stored if are_whole else counted.get(b"stored", 0)
    faults = [
        f"counts says {counted.get(field, 0)} for {field!r}, there are {wanted[field]}"
        for field in wanted.keys() | counted.keys()
        if counted.get(field, 0) != wanted[field]
    ]
    listed = set(listed_ids(client, keys))
    if listed != jobs.keys():
        faults.append(f"pages and jobs differ by {sorted(listed ^ jobs.keys())}")
    return faults + wrong_pages(client, keys)


def _wrong_logs(client: Client, keys: Keys, jobs: dict[str, dict[bytes, bytes]]) -> list[str]:
    """Return the logs that belong to no job, or whose bytes are not those that their job counts."""
    prefix = keys.named("log_prefix")
    logs = {key.decode().removeprefix(prefix): client.lrange(key, 0, -1) for key in client.scan_iter(f"{prefix}*")}
    return [
        f"the log of {job_id} has {sum(map(len, lines))} bytes"
        for job_id, lines in logs.items()
        if sum(map(len, lines)) != int(jobs.get(job_id, {}).get(b"log_bytes", -1))
    ]


def _is_sized(job: dict[bytes, bytes]) -> bool:
    return job[b"status"] in _FINAL_BY_SIZE
