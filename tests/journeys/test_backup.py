"""A backup of a running installation, put back on an empty machine: every job is there, and people can sign in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.journeys.installation import MANAGE, installation
from tests.journeys.moment import in_seconds

pytestmark = pytest.mark.journey

LONGEST_S = 100.0


def manage(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    return subprocess.run(
        [*MANAGE, *words], env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )


def test_a_backup_brings_everything_back(data_dir: Path, tmp_path: Path) -> None:
    archive, elsewhere = tmp_path / "monday.tar", tmp_path / "elsewhere"
    with installation(data_dir) as first:
        done = first.api.completed(first.api.submit("demo.echo", {"n": 1}))
        waiting = first.api.submit("demo.echo", {"n": 2}, scheduled_for=in_seconds(86_400))
        asleep = first.api.submit("demo.sleep", {"ms": 200_000})
        written = manage(data_dir, "ironforge_backup", str(archive))
        assert written.returncode == 0, written.stderr
        assert written.stdout.startswith(f"{archive}: ironforge.sqlite3, secret_key, store.rdb; ")
        assert archive.stat().st_mode & 0o777 == 0o600
        assert manage(data_dir, "ironforge_backup", str(archive)).returncode == 1
        # What came later is not in it.
        later = first.api.submit("demo.echo")
        refused = manage(data_dir, "ironforge_restore", str(archive))
        assert refused.returncode == 1
        assert "holds" in refused.stderr or "exists already" in refused.stderr
        first.api.ask("POST", f"/jobs/{asleep}/cancel")
    put_back = manage(elsewhere, "ironforge_restore", str(archive))
    assert put_back.returncode == 0, put_back.stderr
    assert put_back.stdout.startswith("Put back ironforge.sqlite3, secret_key, store.rdb as of 20")
    assert (elsewhere / "secret_key").read_bytes() == (data_dir / "secret_key").read_bytes()
    with installation(elsewhere) as second:
        # Those of the demo are made again by themselves; ours have their own ids.
        assert second.api.job(done["id"])["result"] == done["result"]
        assert second.api.job(waiting)["status"] == "scheduled"
        assert second.api.ask("GET", f"/jobs/{later}").status == 404
        assert second.api.ask("POST", f"/jobs/{asleep}/cancel").status in (200, 202)
        assert second.api.final(asleep)["status"] == "cancelled"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no archive"),
        lambda path: path.unlink(),
    ],
    ids=["no archive", "no file"],
)
def test_what_is_no_backup_is_refused_in_one_line(tmp_path: Path, spoil: object) -> None:
    archive = tmp_path / "wrong.tar"
    archive.touch()
    spoil(archive)  # type: ignore[operator]
    refused = manage(tmp_path / "data", "ironforge_restore", str(archive))
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines()[-1].startswith(f"CommandError: {archive} is not a backup of IronForge")


def test_a_store_that_does_not_run_cannot_be_backed_up(tmp_path: Path) -> None:
    refused = manage(tmp_path / "data", "ironforge_backup", str(tmp_path / "x.tar"))
    assert refused.returncode == 1
    assert "The store could not be copied" in refused.stderr
    assert not (tmp_path / "x.tar").exists()
