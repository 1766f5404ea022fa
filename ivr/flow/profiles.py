"""Listening profiles: how long the bot waits, by name, out of `profiles.yaml` beside the flows."""

from dataclasses import replace
from pathlib import Path

from asr.listening.endpointing import Profile
from ivr.flow.source import FlowError, Item, Where, nearest
from ivr.flow.yaml_file import read_yaml

PROFILES_FILE = "profiles.yaml"
PROFILE_FIELDS = {"no_input": "no_input_ms", "look": "look_ms", "sure": "sure_ms", "quiet": "quiet_ms",
                  "longest": "longest_ms"}
OTHER_FIELDS = ("slower", "goes_on")


def load_profiles(path: Path) -> dict[str, Profile]:
    """Listening profiles by name. Raises `FlowError`."""
    if not path.exists():
        raise FlowError(Where(str(path), 1, 1), f"there is no {PROFILES_FILE} in the flow's folder; copy flows/{PROFILES_FILE} to it")
    written = {name: (item, item.fields((*PROFILE_FIELDS, *OTHER_FIELDS)))
               for name, item in read_yaml(path).fields().items()}
    profiles = {name: _profile(item, fields) for name, (item, fields) in written.items()}
    slower = {name: fields["slower"] for name, (_, fields) in written.items() if "slower" in fields}
    for name, item in slower.items():
        if item.text() not in profiles:
            raise item.error(f"there is no profile '{item.text()}'{nearest(item.text(), profiles)}")
        if item.text() in slower:
            raise item.error(f"profile '{item.text()}' names a slower one itself; take that one here")
    return {name: replace(profile, slower=profiles[slower[name].text()]) if name in slower else profile
            for name, profile in profiles.items()}


def _profile(item: Item, fields: dict[str, Item]) -> Profile:
    profile = Profile(**{PROFILE_FIELDS[key]: value.number()
                         for key, value in fields.items() if key in PROFILE_FIELDS})
    if "sure" not in fields:
        profile = replace(profile, sure_ms=max(profile.look_ms, profile.sure_ms))
    if "goes_on" in fields:
        goes_on = {meaning: after.number() for meaning, after in fields["goes_on"].fields().items()}
        if late := [meaning for meaning, ms in goes_on.items() if ms > profile.quiet_ms]:
            raise fields["goes_on"].error(f"'{late[0]}' is waited for longer than quiet, {profile.quiet_ms} ms, "
                                          "which ends every turn; write less")
        profile = replace(profile, goes_on=tuple(goes_on.items()))
    if not 0 < profile.look_ms <= profile.sure_ms <= profile.quiet_ms < profile.longest_ms:
        raise item.error(f"a profile needs look ≤ sure ≤ quiet < longest, but look is {profile.look_ms}, "
                         f"sure {profile.sure_ms}, quiet {profile.quiet_ms}, longest {profile.longest_ms} ms")
    if profile.no_input_ms < 1000:
        raise item.error(f"no_input is {profile.no_input_ms} ms; nobody answers within a second, write 5000")
    return profile
