"""What an alert says of what it watches: times in units that people use, and nothing of what nobody looked at."""

from __future__ import annotations

import pytest

from jobs.domain.alert import AlertRule, Metric, in_words


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (0, "0 s"),
        (95.46, "95.5 s"),
        (120, "2 min"),
        (2090.8, "34 min 50 s"),
        (3_599.9, "59 min 59 s"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
    ],
)
def test_an_age_is_told_in_the_units_of_people(age_s: float, said: str) -> None:
    rule = AlertRule(name="late", metric=Metric.OLDEST_AGE, queue="mail", threshold=300)
    assert in_words(rule, age_s) == f"the oldest ready job of the queue mail has waited {said} (threshold 5 min)"


def test_what_nobody_looked_at_yet_has_no_number() -> None:
    late = AlertRule(name="late", metric=Metric.OLDEST_AGE, threshold=60)
    few = AlertRule(name="few", metric=Metric.WORKERS, threshold=2)
    assert in_words(late, None) == "not looked at yet (threshold 60 s)"
    assert in_words(few, None) == "not looked at yet (at least 2 wanted)"
