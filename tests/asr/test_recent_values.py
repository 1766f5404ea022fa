"""Percentiles of the last values are numpy's, whatever came and went."""

import numpy as np
import pytest

from asr.listening.recent_values import RecentValues


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_a_percentile_is_that_of_the_last_values_only(share):
    came = np.random.default_rng(7).integers(0, 12, 300).astype(float)     # many alike
    recent = RecentValues(40)
    for place, value in enumerate(came):
        recent.add(float(value))
        last = came[max(0, place - 39): place + 1]
        assert len(recent) == len(last)
        assert recent.percentile(share) == pytest.approx(np.percentile(last, 100 * share))


def test_the_newest_values_can_be_taken_back():
    recent = RecentValues(4)
    for value in (5.0, 1.0, 9.0, 7.0, 3.0):
        recent.add(value)
    recent.drop_last(2)
    assert len(recent) == 2 and (recent.percentile(0.0), recent.percentile(1.0)) == (1.0, 9.0)
    recent.drop_last(9)
    assert len(recent) == 0
