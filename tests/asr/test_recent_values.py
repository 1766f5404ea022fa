"""Percentiles of the last values are numpy's, whatever came and went."""

import numpy as np
import pytest

from asr.recent_values import RecentValues


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_a_percentile_is_that_of_the_last_values_only(share):
    came = np.random.default_rng(7).integers(0, 12, 300).astype(float)     # many alike
    recent = RecentValues(40)
    for place, value in enumerate(came):
        recent.add(float(value))
        last = came[max(0, place - 39): place + 1]
        assert len(recent) == len(last)
        assert recent.percentile(share) == pytest.approx(np.percentile(last, 100 * share))
