"""The Lua files keep their own rules: headers that are true, bounds, no chance, no keys of their own making."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.backends.call import Call, steps_of
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.claimed import CLAIM_FIELDS
from jobs.backends.redis.codec import SUMMARY_FIELDS
from jobs.backends.redis.connection import connect
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.queue_stats import COUNTED
from jobs.backends.redis.repaging import repage
from jobs.backends.redis.runner import call_parts
from jobs.backends.redis.scripts import LUA_DIR, all_script_names, load_script
from jobs.backends.redis.self_test import self_test
from jobs.backends.redis.workflow_codec import HEAD_FIELDS
from jobs.backends.retention import Retention
from jobs.backends.schedules import Fire
from jobs.domain.circuit import CircuitState
from jobs.domain.endpoint import Endpoint
from jobs.domain.limit import Limit
from jobs.domain.priority import Priority
from jobs.domain.queue import WorkerRecord
from jobs.domain.quota import Quota
from jobs.domain.schedule_policy import Overlap
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder
from jobs.domain.workflow import WorkflowSpec
from tests.backends.servers import HOST, Server
from tests.stores import Bench

SCRIPTS = all_script_names()
INCLUDES = sorted((LUA_DIR / "include").glob("*.lua"))
FILES = sorted(LUA_DIR.rglob("*.lua"))
MAY_WRITE_WHEN_FULL = "allow-oom"
BACKEND = RedisBackend()
KEYS = Keys("n1")


def source_of(name: str) -> str:
    return (LUA_DIR / f"{name}.lua").read_text(encoding="utf-8")


def body_of(text: str) -> str:
    """Return Lua without its comments."""
    return re.sub(r"--.*", "", text)


def with_includes(name: str) -> str:
    """Return the code that runs, without the loader's own lines and without comments."""
    parts = [source_of(name)]
    parts += [(LUA_DIR / "include" / f"{part}.lua").read_text() for part in re.findall(r"@include (\w+)", parts[0])]
    return body_of("\n".join(parts))


def workflow_calls() -> list[Call[object]]:
    """Return a call of each method about workflows."""
    workflows, flow = BACKEND.workflows("n1"), WorkflowSpec(name="w", steps=())
    return [
        workflows.stage("w-00", flow, (), by="b"), workflows.start("w-00", (), "", ""), workflows.unstage("w-00"),
        workflows.grow("w-00", "j", "t", 1, ()), workflows.walk("w-00", "cancel", "r", by="b"), workflows.tend("w-00"),
        workflows.get("w-00", 1, 1), workflows.newest(None, 1),
        BACKEND.maintainer("n1").tend(), BACKEND.maintainer("n1").sweep(Retention()),
    ]  # fmt: skip


def repair_calls() -> list[Call[object]]:
    """Return a call of each method that puts right what does not fit together."""
    maintainer = BACKEND.maintainer("n1")
    return [
        maintainer.reconcile_due(1, "a"), maintainer.reconcile_jobs("0", 1), maintainer.recount(1),
        maintainer.reconcile_index(Status.FAILED, None, 0), maintainer.reconcile_pages(""), repage(Keys("n1")),
        maintainer.reconcile_locks(0), maintainer.reconcile_waiting(0), maintainer.reconcile_workflows(0, 1),
    ]  # fmt: skip


def error_calls() -> list[Call[object]]:
    groups = BACKEND.error_groups("n1")
    return [groups.blame([]), groups.newest(1), groups.named(["g"])]


def calls() -> dict[str, list[Call[object]]]:
    """Return a call of each method that any protocol of the backend has, by script."""
    producer, consumer, operator = BACKEND.producer("n1"), BACKEND.consumer("n1"), BACKEND.operator("n1")
    inspector, maintainer, feed = BACKEND.inspector("n1"), BACKEND.maintainer("n1"), BACKEND.feed("n1")
    worker = WorkerRecord(
        id="w", host="h", pid=1, version="1", queues=(), kinds=(), concurrency=1, busy=0, started_at=0
    )
    schedules, fire = BACKEND.schedules("n1"), Fire("s-00", "a", 1, 0, 0, Overlap.ALLOW)
    limits, tenants, uniques = BACKEND.limits("n1"), BACKEND.tenants("n1"), BACKEND.uniques("n1")
    endpoints, bound = BACKEND.endpoints("n1"), Endpoint(kind="k", url="https://a.example/", secrets=())
    made: list[Call[object]] = [
        producer.submit([]),
        consumer.claim(["main"], "w", seq=1, token="t", limit=1, lease_ms=1),
        consumer.settle([]), consumer.extend([], 1), consumer.heartbeat(worker), consumer.farewell("w"),
        consumer.register(worker, 1), BACKEND.sharing("n1").all(), BACKEND.sharing("n1").drop("q"),
        consumer.report([]), operator.order("w", WorkerOrder.QUIET), inspector.log("j", 0, 1),
        consumer.worker("w"), consumer.rouse("~l"), maintainer.reshare(),
        operator.cancel([], "r", running=True, by="b"), operator.discard([], "r", by="b"),
        operator.retry([], "r", by="b"), operator.promote([], "r", by="b"),
        operator.reprioritise([], "r", Priority.LOW, by="b"), operator.move([], "r", "q", by="b"),
        operator.resend("j", "k", "l", b""), operator.pause("q", by="b", reason=""),
        operator.resume("q", by="b"), operator.purge("q", "r", 0, 0, by="b"),
        maintainer.promote_due(), maintainer.reap(), maintainer.prune(Retention()),
        maintainer.glance(["q"]), maintainer.end_expired(), *repair_calls(),
        uniques.list_locks(None, 1),
        uniques.release("k", "j"), uniques.find("k"), maintainer.lose_worker("w", "SIGKILL", 0),
        inspector.get("j"), inspector.get_many([]), inspector.overview(1), inspector.workers(), inspector.queue("q"),
        inspector.worker_count(), inspector.explain("j"), inspector.payloads(["j"], b"x"),
        inspector.list_jobs(None, None, None, 1), inspector.list_jobs(Status.QUEUED, "q", None, 1),
        inspector.list_jobs(Status.QUEUED, None, None, 1), feed.events_since("$", 1),
        limits.of(key="x"), limits.paths(), limits.put(Limit(name="k", concurrency=1)), limits.drop("k"),
        *workflow_calls(),
        *steps_of([tenants.use(), tenants.set_quota(Quota(jobs=1)), tenants.drain(1)]),
        endpoints.all(), endpoints.bind(bound, None), endpoints.unbind("k"), endpoints.subscribe(("completed",)),
        schedules.fire(fire), schedules.state("s-00"), schedules.history("s-00", 1), schedules.amend("s-00", 1, "keep"),
        schedules.declare({}, 1), schedules.declared(), *error_calls(),
    ]  # fmt: skip
    made.append(limits.turn("k", CircuitState.OPEN, "b", ""))
    return {name: [call for call in made if call.script == name] for name in {call.script for call in made}}


def test_every_script_is_called_by_the_backend() -> None:
    assert sorted(calls()) == SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_call_brings_as_many_keys_and_arguments_as_the_header_names(name: str) -> None:
    script = load_script(name, has_test_clock=False)
    for call in calls()[name]:
        assert len(call.keys) == len(script.key_names)
        assert len(call.args) == len(script.arg_names)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_key_carries_the_namespace_s_tag_and_only_one(name: str) -> None:
    for call in calls()[name]:
        tags = {re.match(r"ironforge:(\{n1/(?:0|workers)\}):", key)[1] for key in call.keys}  # type: ignore[index]
        assert len(tags) == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_header_has_purpose_keys_arguments_and_answer_in_this_order(name: str) -> None:
    lines = source_of(name).splitlines()
    header = lines[: next(number for number, line in enumerate(lines) if not line.startswith("--"))]
    assert re.fullmatch(r"-- [A-Z].*[^ ]", header[0])
    order = [match[1] for line in header if (match := re.match(r"-- (FLAGS|KEYS|ARGV|RETURN)\b", line))]
    assert order == sorted(order, key=["FLAGS", "KEYS", "ARGV", "RETURN"].index)
    assert order.count("FLAGS") == order.count("RETURN") == 1
    assert "KEYS" in order
    for line in header:
        if match := re.match(r"-- (KEYS|ARGV)\b", line):
            columns = re.split(r" {2,}", line.removeprefix(f"-- {match[1]}").strip())
            assert len(columns) == (3 if match[1] == "KEYS" else 2), line
            if match[1] == "KEYS":
                assert columns[1] in {"prefix", "hash", "zset", "stream", "list", "string"}, line
                assert columns[0].endswith("_prefix") == (columns[1] == "prefix"), line


@pytest.mark.parametrize("name", SCRIPTS)
def test_whatever_a_header_names_is_used_and_nothing_else_is_reached(name: str) -> None:
    script, code = load_script(name, has_test_clock=False), with_includes(name)
    for given in script.key_names + script.arg_names:
        assert re.search(rf"\b{given}\b", code), given
    assert "KEYS" not in code
    assert "ARGV" not in code


@pytest.mark.parametrize("name", SCRIPTS)
def test_flags_say_whether_a_script_writes(name: str) -> None:
    script = load_script(name, has_test_clock=False)
    first_line = script.text.partition("\n")[0]
    writes = re.search(
        r"redis\.call\('(H?SET|HSETNX|HDEL|HINCRBY|DEL|UNLINK|Z(ADD|REM|POPMIN)|XADD|RPUSH|EXPIRE)", with_includes(name)
    )
    if name in ("submit", "resend", "fire", "stage", "start", "grow"):
        assert first_line == "#!lua"
    else:
        assert first_line == f"#!lua flags={MAY_WRITE_WHEN_FULL if writes else 'no-writes'}"
    assert script.is_read_only == (not writes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_stays_within_its_bounds(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    code = body_of(text)
    for word in (
        "math.random",
        "'KEYS'",
        "'SMEMBERS'",
        "'HKEYS'",
        "'EVAL'",
        "cjson",
        "os.time",
        "loadstring",
    ):
        assert word not in code, word
    # It has to find jobs that no index names, and gives a bound.
    assert ("'SCAN'" in code) == (path.stem == "reconcile_jobs")
    if path.stem not in {"now", "now_test"}:
        assert "'TIME'" not in code


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_key_is_a_given_one_or_a_prefix_and_one_name(path: Path) -> None:
    code = body_of(path.read_text(encoding="utf-8"))
    name = r"[\w.]+(?:\[[\w.]+\])?"
    choice = r"\w+ == '\w+' and \w+ or \w+"
    for match in re.finditer(r"redis\.call\('\w+'(?:, ([^,)]+))?", code):
        key = (match[1] or "").strip()
        assert not key or re.fullmatch(rf"'server'|{name}|unpack\(\w+_keys|\w+_prefix \.\. {name}|{choice}", key), (
            match[0]
        )
    for built in re.findall(r"\w+_prefix \.\. ([^,\n]+)", code):
        assert ".." not in built


@pytest.mark.parametrize("path", INCLUDES, ids=lambda path: path.stem)
def test_an_include_says_in_its_first_lines_what_it_is(path: Path) -> None:
    assert re.match(r"-- [A-Z].*", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_includes_each_part_once_and_none_that_does_not_exist(name: str) -> None:
    parts = re.findall(r"@include (\w+)", source_of(name))
    assert len(set(parts)) == len(parts)
    assert set(parts) <= {path.stem for path in INCLUDES}
    assert "@include" not in load_script(name, has_test_clock=False).text


def lua_list(path: Path, name: str) -> tuple[str, ...]:
    found = re.search(rf"local {name} = \{{(.*?)\}}", path.read_text(), re.DOTALL)
    assert found is not None
    return tuple(re.findall(r"'(\w+)'", found[1]))


def test_summaries_and_leases_have_their_fields_in_the_codec_s_order() -> None:
    assert lua_list(LUA_DIR / "include" / "summary.lua", "SUMMARY") == SUMMARY_FIELDS
    claim = LUA_DIR / "include" / "claimed.lua"
    read = re.search(r"'HMGET', key, (.*)\)\nend", claim.read_text())
    assert read is not None
    assert tuple(re.findall(r"'(\w+)'", read[1])) + lua_list(claim, "MORE_FIELDS") == CLAIM_FIELDS
    assert lua_list(LUA_DIR / "include" / "workflow_head.lua", "HEAD") == HEAD_FIELDS
    assert lua_list(LUA_DIR / "include" / "queue_counts.lua", "STATUSES") == COUNTED


def test_a_claim_finds_fields_where_it_looks_for_them() -> None:
    found = re.search(r"local (STATUS, [A-Z_, ]+) = ([\d, ]+)", source_of("claim"))
    assert found is not None
    for name, place in zip(found[1].split(", "), found[2].split(", "), strict=True):
        assert CLAIM_FIELDS[int(place) - 1] == name.lower()


def test_a_test_clock_adds_one_key_under_the_script_s_own_tag() -> None:
    call = BACKEND.inspector("n1").overview(1)
    script, (count, *rest) = call_parts(call, has_test_clock=True)
    assert rest[: count - 1] == list(call.keys)
    assert rest[count - 1] == KEYS.named("test_clock")
    assert script.text != load_script("overview", has_test_clock=False).text
    assert "test_clock" not in load_script("overview", has_test_clock=False).text


def test_keys_that_do_not_exist_have_no_name() -> None:
    for name in ("nothing", "nothing_prefix", "job", "lock"):
        with pytest.raises(KeyError):
            KEYS.named(name)
    with pytest.raises(ValueError, match="not a namespace"):
        Keys("a}b")


def test_the_store_compiles_every_script(bench: Bench) -> None:
    result = self_test(bench.client)
    assert result.level == "ok"
    assert str(len(SCRIPTS)) in result.message


def test_a_store_whose_user_may_not_load_scripts_is_refused_and_the_script_named(spare: Server) -> None:
    with spare.client() as admin:
        admin.acl_setuser("no-lua", enabled=True, nopass=True, categories=["+@all"], commands=["-script"], keys=["*"])
        url = f"redis://no-lua:any@{HOST}:{spare.port}"
        with connect(url, "no-lua") as client:
            result = self_test(client)
        admin.acl_deluser("no-lua")
    assert result.level == "refuse"
    assert SCRIPTS[0] in result.message
