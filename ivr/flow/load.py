"""YAML → `Flow`. What a single file can tell wrong is told here, with its place."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ivr.flow.care import load_struggle, read_asides
from ivr.flow.expression import RESERVED
from ivr.flow.load_state import Names, load_state
from ivr.flow.model import Flow, Limits
from ivr.flow.profiles import PROFILES_FILE, load_profiles
from ivr.flow.source import FlowError, Item, Where, nearest
from ivr.flow.values import KINDS
from ivr.flow.yaml_file import read_yaml

FLOW_KEYS = ("flow", "start", "values", "given", "limits", "always", "asides", "states")
ALWAYS_EVENTS = ("person", "elderly", "struggling", "emergency", "hang_up", "trouble")
KEYS = "0123456789*#ABCD"
ALWAYS_KEYS = (*ALWAYS_EVENTS, *(f"key {key}" for key in KEYS))

MOST_TURNS, MOST_SECONDS = 200, 7200


def load_flow(path: Path) -> Flow:
    """Read one flow and those that it runs, which stand beside it; profiles come from `profiles.yaml` there.

    Raises `FlowError`.
    """
    return _load(path, ())


def _load(path: Path, above: tuple[Path, ...]) -> Flow:
    root = read_yaml(path)
    if root.is_mapping and not {"flow", "states"} & root.fields().keys():
        raise root.error("this file is no flow: it has neither 'flow:' nor 'states:'; name one that has, or write them")
    fields = root.fields(FLOW_KEYS)
    for key in ("flow", "start", "limits", "states"):
        if key not in fields:
            raise root.error(f"the flow has no '{key}:'; add it at the top of the file")
    if fields["states"].is_mapping and not fields["states"].node.value:
        raise fields["states"].error("a flow has a state at least; write start's below 'states:', such as ask: {say: PROMPT, end: done}")
    names = Names(load_profiles(path.parent / PROFILES_FILE), _values(fields.get("values")))
    states = {name: load_state(name, item, names) for name, item in fields["states"].fields().items()}
    always = fields["always"].fields(ALWAYS_KEYS) if "always" in fields else {}
    subflows = _subflows(states, path, (*above, path))
    flow = Flow(
        name=fields["flow"].text(),
        version=_version(path, subflows),
        start=fields["start"].text(),
        limits=_limits(fields["limits"]),
        values=names.kinds,
        always={event: item.text() for event, item in always.items()},
        states=states,
        asides=read_asides(fields["asides"], names.profiles) if "asides" in fields else {},
        struggle=load_struggle(path.parent),
        places=_places(fields, always),
        subflows=subflows,
        given=_given(fields.get("given"), names.kinds),
    )
    _require_states(flow)
    return flow


def _version(path: Path, subflows: Mapping[str, Flow]) -> str:
    digest = hashlib.sha256(path.read_bytes())
    for name in sorted(subflows):
        digest.update(subflows[name].version.encode())
    return digest.hexdigest()[:12]


def _subflows(states: Mapping, path: Path, above: tuple[Path, ...]) -> dict[str, Flow]:
    """The flows that `run:` names, loaded. Raises `FlowError` for one that is missing or runs itself."""
    found: dict[str, Flow] = {}
    for state in states.values():
        if not state.run or state.run in found:
            continue
        file = path.parent / f"{state.run}.yaml"
        if not file.exists():
            near = nearest(state.run, (each.stem for each in path.parent.glob("*.yaml") if each.stem != "profiles"))
            raise FlowError(state.at("run>"), f"there is no flow '{state.run}.yaml' beside this one{near}")
        if file in above:
            raise FlowError(state.at("run>"), f"'{state.run}' would run itself without end; run another flow here")
        found[state.run] = _load(file, above)
    return found


def _values(item: Item | None) -> dict[str, str]:
    kinds = {}
    for name, kind in (item.fields() if item else {}).items():
        if kind.text() not in KINDS:
            raise kind.error(f"'{kind.text()}' is no kind of value{nearest(kind.text(), KINDS)}")
        if name in RESERVED:
            raise kind.key.error(f"'{name}' means something else in conditions; name the value otherwise, such as my_{name}")
        if not name.isidentifier():
            raise kind.key.error(f"'{name}' cannot be a value's name; write letters, digits and _")
        kinds[name] = kind.text()
    return kinds


def _given(item: Item | None, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The values that a call begins with."""
    for entry in (item.items() if item.is_list else [item]) if item else ():
        if entry.text() not in kinds:
            raise entry.error(f"'{entry.text()}' is not among the flow's values{nearest(entry.text(), kinds)}")
    return item.texts() if item else ()


def _limits(item: Item) -> Limits:
    fields = item.fields(("turns", "seconds", "then", "misses", "after_misses"))
    for key in ("turns", "seconds", "then"):
        if key not in fields:
            raise item.error(f"limits need '{key}'; write {{turns: 14, seconds: 240, then: STATE}}")
    if ("misses" in fields) != ("after_misses" in fields):
        raise item.error("'misses' and 'after_misses' need each other: {misses: 6, after_misses: STATE}")
    misses = (fields["misses"].number(), fields["after_misses"].text()) if "misses" in fields else ()
    turns, seconds = fields["turns"].count(MOST_TURNS), fields["seconds"].count(MOST_SECONDS)
    return Limits(turns, seconds, fields["then"].text(), *misses)


def _places(fields: Mapping[str, Item], always: Mapping[str, Item]) -> dict[str, Where]:
    places = {key: item.key.where for key, item in fields.items()}
    places |= {"start>": fields["start"].where}
    for part, item in fields["limits"].fields().items():
        places |= {f"limits.{part}": item.key.where, f"limits.{part}>": item.where}
    for name, item in (fields["asides"].fields() if "asides" in fields else {}).items():
        places |= {f"asides.{name}": item.key.where, f"asides.{name}>": item.fields()["then"].where}
    for event, item in always.items():
        places |= {f"always.{event}": item.key.where, f"always.{event}>": item.where}
    return places


def _require_states(flow: Flow) -> None:
    """Every state that is named exists. Raises `FlowError` at the name."""
    named = [("start", flow.start, flow.places["start>"]), ("limits.then", flow.limits.then, flow.places["limits.then>"])]
    named += [(f"always.{event}", name, flow.places[f"always.{event}>"]) for event, name in flow.always.items()]
    if flow.limits.after_misses:
        named.append(("limits.after_misses", flow.limits.after_misses, flow.places["limits.after_misses>"]))
    named += [(f"asides.{name}.then", aside.then, flow.places[f"asides.{name}>"]) for name, aside in flow.asides.items()]
    for state in flow.states.values():
        named += [(f"{state.name}.next.{branch}", name, state.at(f"next.{branch}>"))
                  for branch, name in state.next.items()]
        named += [(f"{state.name}.choose", choice.then, choice.where) for choice in state.choices]
        if state.visits:
            named.append((f"{state.name}.visits.then", state.visits.then, state.at("visits.then>")))
    for label, name, where in named:
        if name not in flow.states:
            raise FlowError(where, f"{label} leads to '{name}', which is no state{nearest(name, flow.states)}")
