"""The test of the test: with one safety off, the torture turns red, for the reason that this safety is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture import report
from tests.torture.options import SABOTAGE_S
from tests.torture.run import Options, torture
from tests.torture.sabotage import SABOTAGES, make_scripts

SEED = 3
# These show in any run of a few seconds; the others take their time.
QUICK = ("promotion", "cancel")


def _sabotaged(name: str, seconds: float, folder: Path) -> None:
    verdict = torture(Options(SEED, seconds, name), folder, print)
    noticed = set(SABOTAGES[name].noticed_by) & set(verdict.broken)
    assert noticed, f"nobody noticed that {SABOTAGES[name].meaning}\n{report.text_of(verdict)}"


@pytest.mark.long
@pytest.mark.parametrize("name", QUICK)
def test_a_run_without_a_safety_is_red(name: str, tmp_path: Path) -> None:
    _sabotaged(name, SABOTAGE_S, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(SABOTAGES.keys() - set(QUICK)))
def test_a_run_without_any_of_the_other_safeties_is_red_too(name: str, tmp_path: Path) -> None:
    _sabotaged(name, 2 * SABOTAGE_S, tmp_path)


@pytest.mark.parametrize("name", sorted(SABOTAGES))
def test_what_a_sabotage_changes_is_still_in_the_scripts(name: str, tmp_path: Path) -> None:
    make_scripts(SABOTAGES[name], tmp_path / "lua")
