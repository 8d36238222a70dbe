"""A whole installation keeps its promises while everything breaks that can break."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture import report
from tests.torture.options import LONG_S
from tests.torture.run import Options, torture

# Everything breaks in every way at least once; `make torture` takes a minute.
SEED = 165
IN_EACH_RUN_S = 40.0
LONG_SEEDS = (11, 12)


def _tortured(options: Options, folder: Path) -> None:
    verdict = torture(options, folder, print)
    assert not verdict.broken, report.text_of(verdict)


@pytest.mark.timeout(600)
def test_nothing_is_lost_while_everything_breaks(tmp_path: Path) -> None:
    _tortured(Options(SEED, IN_EACH_RUN_S), tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", LONG_SEEDS)
def test_nothing_is_lost_in_a_long_time_of_faults(seed: int, tmp_path: Path) -> None:
    _tortured(Options(seed, LONG_S), tmp_path)
