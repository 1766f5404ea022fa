"""YAML → what a flow knows of people: asides, and the weights of a caller's struggle."""

from pathlib import Path

from asr.listening.endpointing import Profile
from ivr.flow.model import Aside
from ivr.flow.source import Item, nearest
from ivr.flow.yaml_file import read_yaml
from ivr.pace import SIGNALS, Struggle, Weight

STRUGGLE_FILE = "struggle.yaml"
ASIDE_KEYS = ("say", "again", "profile", "at_most", "then")


def read_asides(item: Item, profiles: dict[str, Profile]) -> dict[str, Aside]:
    """A flow's asides by what is said. Raises `FlowError`."""
    return {name: _aside(name, each, profiles) for name, each in item.fields().items()}


def load_struggle(folder: Path) -> Struggle:
    """`struggle.yaml` of the folder, or the defaults where there is none. Raises `FlowError`."""
    path = folder / STRUGGLE_FILE
    if not path.exists():
        return Struggle()
    fields = read_yaml(path).fields(("gentle_from", "person_from", "louder_db", "signals"))
    given = {key: fields[key].decimal() for key in ("gentle_from", "person_from", "louder_db") if key in fields}
    struggle = Struggle(**given)
    if struggle.gentle_from > struggle.person_from:
        raise fields["gentle_from"].error(
            f"gentle_from ({struggle.gentle_from:g}) is over person_from ({struggle.person_from:g}), so nobody "
            "would be spoken to gently; make it smaller")
    if not 0 <= struggle.louder_db <= 12:
        raise fields["louder_db"].error("louder_db is in decibels from 0 to 12; more distorts the voice")
    weights = dict(struggle.weights) | ({} if "signals" not in fields else _weights(fields["signals"]))
    return Struggle(**given, weights=weights)


def _weights(item: Item) -> dict[str, Weight]:
    weights = {}
    for name, each in item.fields(SIGNALS).items():
        fields = each.fields(("weight", "at_most"))
        if "weight" not in fields:
            raise each.error(f"'{name}' needs a weight: {{weight: 1}}, or {{weight: 1, at_most: 2}}")
        weights[name] = Weight(fields["weight"].decimal(), *([fields["at_most"].number()] if "at_most" in fields else []))
    return weights


def _aside(name: str, item: Item, profiles: dict[str, Profile]) -> Aside:
    fields = item.fields(ASIDE_KEYS)
    if not {"at_most", "then"} <= set(fields):
        raise item.error(f"the aside '{name}' needs 'at_most' and 'then': {{say: PROMPT, at_most: 2, then: STATE}}")
    profile = None
    if "profile" in fields:
        written = fields["profile"].text()
        if written not in profiles:
            raise fields["profile"].error(f"there is no profile '{written}'{nearest(written, profiles)}")
        profile = profiles[written]
    return Aside(
        say=fields["say"].texts() if "say" in fields else (),
        again=fields["again"].yes_or_no() if "again" in fields else True,
        profile=profile,
        at_most=fields["at_most"].number(),
        then=fields["then"].text(),
    )
