"""The last stretch of what came in, as it is given to a recognizer."""

import numpy as np

from asr.listening.recent_pcm import RecentPcm

SOUND = (1000 * np.sin(np.arange(8000))).astype("<i2").tobytes()
HUSH = np.full(8 * 8000, 8, "<i2").tobytes()          # what A-law makes of silence


def test_of_the_silence_before_the_first_sound_only_so_much_is_given_as_is_asked_for():
    recent = RecentPcm(8000, longest_s=10)
    recent.feed(HUSH + SOUND)
    heard = recent.from_sound(500)
    assert len(heard) // 16 in (1499, 1500) and heard.endswith(SOUND)
    recent.feed(HUSH)
    assert recent.from_sound(500).endswith(HUSH), "what follows a sound stays"


def test_where_there_is_no_sound_or_it_came_at_once_all_is_given():
    for pcm in (HUSH, SOUND, b""):
        recent = RecentPcm(8000)
        recent.feed(pcm)
        assert recent.from_sound(500) == bytes(recent) == pcm
