"""The settings: read once from the environment, told in one line when wrong, documented as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from ironforge_site import environment, handler_packages
from ironforge_site.secret_key import load_or_create
from jobs.conf import conf

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_the_documented_table_is_the_table_of_the_code() -> None:
    assert environment.markdown() in DOCUMENT.read_text(), "run: python -m ironforge_site.environment"


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    parsed = environment.parse({})
    assert (parsed.host, parsed.port, parsed.redis_url, parsed.durability) == ("127.0.0.1", 3000, "", "always")
    assert parsed.data_dir.name == "data"
    assert parsed.data_dir.is_absolute()
    assert not parsed.open
    assert not parsed.debug
    assert parsed.retention_bytes == 1 << 30


def test_an_empty_variable_means_its_default() -> None:
    assert environment.parse({"IRONFORGE_PORT": ""}).port == 3000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IRONFORGE_PORT", "0"),
        ("IRONFORGE_PORT", "http"),
        ("IRONFORGE_PORT", "9" * 5000),
        ("IRONFORGE_PORT", "-1"),
        ("IRONFORGE_PORT", "²"),
        ("IRONFORGE_DURABILITY", "sometimes"),
        ("IRONFORGE_DURABILITY", "replicated"),
        ("IRONFORGE_STORE_MAXMEMORY", "lots"),
        ("IRONFORGE_OPEN", "perhaps"),
        ("IRONFORGE_LOG_FORMAT", "xml"),
        ("IRONFORGE_HANDLERS", "shop;rm"),
        ("IRONFORGE_CELERY_APP", "shop.celery:app()"),
        ("IRONFORGE_TRUSTED_ORIGINS", "jobs.example.com"),
        ("IRONFORGE_LEASE_MS", "5"),
        ("IRONFORGE_TRACE_URL", "jaeger.example.com/{trace_id}"),
        ("IRONFORGE_TRACE_URL", "javascript://jaeger/{trace_id}"),
        ("IRONFORGE_TRACE_URL", "https://jaeger.example.com/trace"),
        ("IRONFORGE_TRACE_URL", "https://jaeger.example.com/{trace_id}/{span_id}"),
        ("IRONFORGE_TRACE_URL", "https:///trace/{trace_id}"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(environment.BadSetting) as refused:
        environment.parse({name: value})
    assert str(refused.value).startswith(f"{name}: ")
    assert "\n" not in str(refused.value)


def test_tracing_without_its_packages_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    handler_packages.require_tracing()
    monkeypatch.setattr(handler_packages, "find_spec", lambda name: None)
    with pytest.raises(environment.BadSetting, match=r"^IRONFORGE_TRACING: .* requirements-tracing.txt$"):
        handler_packages.require_tracing()


@pytest.mark.parametrize(("text", "size"), [("512mb", 512 << 20), ("2GB", 2 << 30), ("1024", 1024), ("4 KiB", 4096)])
def test_a_size_may_carry_a_unit(text: str, size: int) -> None:
    assert environment.parse({"IRONFORGE_STORE_MAXMEMORY": text}).store_maxmemory_bytes == size


def test_the_development_command_opens_a_loopback_address_only() -> None:
    local: dict[str, str] = {}
    environment.prepare(["manage.py", "ironforge"], local)
    assert environment.parse(local).open
    assert environment.parse(local).demo

    reachable = {"IRONFORGE_HOST": "0.0.0.0"}  # noqa: S104
    environment.prepare(["manage.py", "ironforge"], reachable)
    assert not environment.parse(reachable).open

    closed = {"IRONFORGE_OPEN": "off"}
    environment.prepare(["manage.py", "ironforge"], closed)
    assert not environment.parse(closed).open

    server: dict[str, str] = {}
    environment.prepare(["manage.py", "runserver_ironforge"], server)
    assert not environment.parse(server).open


def test_an_address_given_as_an_option_counts_before_the_environment() -> None:
    reachable: dict[str, str] = {"IRONFORGE_PORT": "4000"}
    environment.prepare(["manage.py", "ironforge", "--host=0.0.0.0", "--port", "3100"], reachable)
    parsed = environment.parse(reachable)
    assert (parsed.host, parsed.port, parsed.open) == ("0.0.0.0", 3100, False)  # noqa: S104

    other: dict[str, str] = {}
    environment.prepare(["manage.py", "check", "--port", "3100"], other)
    assert environment.parse(other).port == 3000


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)
    assert len(first) >= 50
    assert load_or_create(tmp_path) == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.skipif("IRONFORGE_TEST_DATABASE_URL" in os.environ, reason="this run is on another database")
def test_sqlite_writers_wait_for_each_other() -> None:
    options = settings.DATABASES["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 5


def test_a_secret_is_in_no_message_and_no_printed_setting() -> None:
    secret = {"IRONFORGE_REDIS_URL": "redis://:hunter2@store", "IRONFORGE_SECRET_KEY": "hunter2"}
    assert "hunter2" not in repr(environment.parse(secret))


def test_every_setting_reaches_the_layers_below() -> None:
    assert conf().lease_ms == 10_000
    assert conf().retention_ms == 24 * 3_600_000
    assert conf().dlq_retention_ms == 90 * 24 * 3_600_000
    assert conf().is_embedded
    with override_settings(IRONFORGE_LEASE_MS=2_000):
        assert conf().lease_ms == 2_000
    assert conf().lease_ms == 10_000
