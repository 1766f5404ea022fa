"""Listening profiles: read with their slower ones, refused with the line where they cannot be meant."""

from pathlib import Path

import pytest

from ivr.flow.load import load_profiles
from ivr.flow.source import FlowError

SHIPPED = Path(__file__).resolve().parents[2] / "flows" / "profiles.yaml"


def read(folder, text):
    path = folder / "profiles.yaml"
    path.write_text(text)
    return load_profiles(path)


def test_the_shipped_profiles_give_slow_callers_more_time():
    profiles = load_profiles(SHIPPED)
    assert {"plate", "short", "choice", "minutes", "digits", "phone", "patient"} <= set(profiles)
    for name, profile in profiles.items():
        if profile.slower:
            assert profile.slower.quiet_ms > profile.quiet_ms, name
            assert profile.slower.sure_ms > profile.sure_ms, name


def test_a_profile_of_before_there_was_sure_is_still_read(tmp_path):
    profile = read(tmp_path, "short: {no_input: 5000, look: 260, quiet: 700, longest: 9000}\n")["short"]
    assert (profile.look_ms, profile.sure_ms) == (260, 260)


@pytest.mark.parametrize("text, message", [
    ("a: {look: 900, quiet: 300}\n", ":1:4: a profile needs look ≤ sure ≤ quiet < longest"),
    ("a: {look: 0}\n", "a profile needs look"),
    ("a: {no_input: 200}\n", "nobody answers within a second"),
    ("b: {}\na: {slower: c}\n", ":2:13: there is no profile 'c'; known: a, b"),
    ("a: {slower: b}\nb: {slower: a}\n", "names a slower one itself"),
    ("a: {quite: 700}\n", "'quite' is not known here; did you mean 'quiet'?"),
    ("a: {quiet: 700, goes_on: {no: 900}}\n", ":1:26: 'no' is waited for longer than quiet, 700 ms"),
    ("a: {quiet: long}\n", ":1:12: expected a whole number, not 'long'"),
])
def test_a_wrong_profile_is_told_with_its_line(tmp_path, text, message):
    with pytest.raises(FlowError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
