"""Log lines: one record, one line of JSON, whatever was logged, and never a credential."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import re
from typing import cast
from uuid import uuid4

import pytest

from jobs.telemetry.log_line import rendered
from jobs.telemetry.logs import ConsoleFormatter, JsonFormatter, configuration, entry_of, get_logger, log_event


class Captured(logging.Handler):
    """Keeps formatted lines and the records they came from."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.records.append(record)

    @property
    def entry(self) -> dict[str, object]:
        return cast("dict[str, object]", json.loads(self.lines[-1]))


@pytest.fixture
def captured() -> Captured:
    return Captured()


@pytest.fixture
def logger(captured: Captured) -> logging.Logger:
    logger = get_logger(f"worker.test-{uuid4()}")
    logger.addHandler(captured)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


def test_an_event_has_exactly_the_documented_fields_in_their_order(logger: logging.Logger, captured: Captured) -> None:
    log_event(logger, "job.completed", duration_ms=42, kind="email.send", job_id="0190")
    assert list(captured.entry) == ["timestamp", "level", "target", "job_id", "kind", "event", "duration_ms"]
    assert captured.entry["level"] == "INFO"
    assert captured.entry["event"] == "job.completed"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(captured.entry["timestamp"]))
    assert str(captured.entry["target"]).startswith("ironforge.worker")


def test_fields_without_a_value_are_left_out_and_others_are_kept(logger: logging.Logger, captured: Captured) -> None:
    log_event(logger, "job.failed", job_id=None, duration_ms=None, queue="mail", attempt=2)
    assert list(captured.entry) == ["timestamp", "level", "target", "event", "queue", "attempt"]


@pytest.mark.parametrize(
    "evil",
    ["a\nb", "\r\n", "\x1b[31mred", "\x00", "\x7f", "\x9b31m", "\u2028", "\u202e"],
    ids=ascii,
)
def test_a_control_character_never_leaves_its_line(logger: logging.Logger, captured: Captured, evil: str) -> None:
    log_event(logger, "job.failed", kind=evil, error=evil)
    logger.warning("refused %s", evil)
    for line in captured.lines:
        assert line.isascii()
        assert line.isprintable()
    assert json.loads(captured.lines[0])["error"] == evil
    for record in captured.records:
        text = ConsoleFormatter().format(record)
        assert "\n" not in text
        assert text.isprintable()


def test_half_a_surrogate_pair_can_be_written() -> None:
    # Not logged: pytest would carry the text of the record between processes, where it cannot be encoded.
    record = logging.LogRecord("ironforge.worker", logging.INFO, "", 0, "half \ud800", (), None)
    assert json.loads(JsonFormatter().format(record).encode())["message"] == "half \ud800"
    assert ConsoleFormatter().format(record).encode().endswith(b"half \\ud800")


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ("used ifk_abc123_SeCrEt-part_x", "SeCrEt"),
        ("redis://user:hunter2@db:6379/0", "hunter2"),
        ("rediss://:hunter2@db", "hunter2"),
        ("postgres://me:p%40ss@db/x failed", "p%40ss"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh"),
        ("redis://a:hun@ter2@db:6379/0", "ter2"),
    ],
)
def test_credentials_are_masked_wherever_they_stand(
    logger: logging.Logger, captured: Captured, given: str, secret: str
) -> None:
    log_event(logger, "store.lost", url=given, nested={"list": [given]})
    logger.error("cannot reach %s", given)
    log_event(logger, "store.lost", exception=ValueError(given))
    for line, record in zip(captured.lines, captured.records, strict=True):
        assert secret not in line
        assert "***" in line
        assert json.loads(line)
        assert secret not in ConsoleFormatter().format(record)


@pytest.mark.parametrize("name", ["password", "lease_token", "Authorization", "cookie"])
def test_a_field_named_like_a_secret_is_masked(logger: logging.Logger, captured: Captured, name: str) -> None:
    log_event(logger, "person.created", **{name: "hunter2"})  # type: ignore[arg-type]
    assert captured.entry[name] == "***"


def test_a_url_without_a_password_stays_as_it_is(logger: logging.Logger, captured: Captured) -> None:
    log_event(logger, "server.started", url="http://localhost:3000/console/", store="redis://db:6379/0")
    assert captured.entry["url"] == "http://localhost:3000/console/"
    assert captured.entry["store"] == "redis://db:6379/0"


def test_an_exception_is_one_field_of_the_same_line(logger: logging.Logger, captured: Captured) -> None:
    try:
        _ = 1 // 0
    except ZeroDivisionError as wrong:
        log_event(logger, "loop.failed", level=logging.ERROR, exception=wrong)
    assert "\n" not in captured.lines[-1]
    assert "ZeroDivisionError" in str(captured.entry["exception"])
    assert captured.entry["level"] == "ERROR"


def test_a_level_that_is_off_costs_no_record(logger: logging.Logger, captured: Captured) -> None:
    log_event(logger, "claim.empty", level=logging.DEBUG, expensive="x")
    assert captured.lines == []


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("ironforge.store", "ironforge.store"),
        ("uvicorn.error", "ironforge.server"),
        ("django.request", "ironforge.django.request"),
        ("asyncio", "asyncio"),
    ],
)
def test_targets_of_ours_and_of_the_server_share_a_prefix(name: str, target: str) -> None:
    record = logging.LogRecord(name, logging.WARNING, "", 0, "text %d", (1,), None)
    entry = entry_of(record)
    assert (entry["target"], entry["event"], entry["message"]) == (target, "log", "text 1")


def test_the_configuration_of_django_prints_json_and_keeps_requests_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    before = {name: logging.getLogger(name).level for name in ("", "ironforge", "django", "django.request", "uvicorn")}
    handlers = logging.root.handlers[:]
    try:
        logging.config.dictConfig(configuration("warning"))
        logging.getLogger("django.request").warning("Not Found: /x")
        logging.getLogger("uvicorn.access").info("GET /")
        log_event(get_logger("server"), "server.started")
        log_event(get_logger("server"), "server.slow", level=logging.WARNING)
        logging.getLogger("django.request").error("Internal Server Error: /x")
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        logging.root.handlers[:] = handlers
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(entry["target"], entry["event"]) for entry in events] == [
        ("ironforge.server", "server.slow"),
        ("ironforge.django.request", "log"),
    ]


def test_a_line_for_people_is_short_and_coloured_only_on_request() -> None:
    entry = {
        "timestamp": "2026-01-17T10:30:00.000Z",
        "level": "INFO",
        "target": "ironforge.worker",
        "job_id": "0190",
        "kind": "email.send",
        "event": "job.completed",
        "duration_ms": 42,
    }
    plain = rendered(entry, colour=False)
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO +worker +job\.completed job_id=0190 kind=email\.send 42 ms", plain)
    assert "\x1b[" in rendered(entry, colour=True)
