"""The delay before a restart."""

from __future__ import annotations

from jobs.processes.restart_delay import RestartDelay


def test_delays_double_up_to_ten_seconds_and_a_long_life_is_forgiven() -> None:
    delay = RestartDelay()
    assert [delay.after_life_of(0.1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert delay.after_life_of(11.0) == 0.2
    assert delay.after_life_of(1.0) == 0.4
