"""YAML → `Flow`. What a single file can tell wrong is told here, with its line."""

import hashlib
from dataclasses import replace
from pathlib import Path

from asr.endpointing import Profile
from asr.grammar_file import GrammarName, choice_name
from asr.recognizer import GrammarError
from ivr.flow.care import load_struggle, read_asides
from ivr.flow.model import Flow, Limits, Listen, State, VisitLimit, WhileWaiting
from ivr.flow.source import FlowError, Item, nearest, read_yaml
from ivr.flow.turn_taking import barge_in, keys, question_share

FLOW_KEYS = ("flow", "start", "values", "limits", "always", "asides", "states")
STATE_KEYS = (
    "say", "say_by_visit", "short", "visits", "listen", "do", "with", "while_waiting", "choose", "next", "end",
)
ALWAYS_KEYS = ("person", "elderly", "struggling", "hang_up", "trouble", "key 0", "key *", "key #")
VALUE_KINDS = ("plate", "minutes", "digits", "text")
PROFILE_FIELDS = {"no_input": "no_input_ms", "look": "look_ms", "sure": "sure_ms", "quiet": "quiet_ms",
                  "longest": "longest_ms"}
PROFILES_FILE = "profiles.yaml"


def load_flow(path: Path) -> Flow:
    """Read one flow; its profiles come from `profiles.yaml` beside it. Raises `FlowError`."""
    root = read_yaml(path)
    fields = root.fields(FLOW_KEYS)
    for key in ("flow", "start", "limits", "states"):
        if key not in fields:
            raise root.error(f"the flow has no '{key}:'; add it at the top of the file")
    profiles = load_profiles(path.parent / PROFILES_FILE)
    states = {
        name: _state(name, item, profiles) for name, item in fields["states"].fields().items()
    }
    always = fields["always"].fields(ALWAYS_KEYS) if "always" in fields else {}
    flow = Flow(
        name=fields["flow"].text(),
        version=hashlib.sha256(path.read_bytes()).hexdigest()[:12],
        start=fields["start"].text(),
        limits=_limits(fields["limits"]),
        values=_values(fields.get("values")),
        always={event: item.text() for event, item in always.items()},
        states=states,
        asides=read_asides(fields["asides"], profiles) if "asides" in fields else {},
        struggle=load_struggle(path.parent),
    )
    _require_states(flow, fields, always)
    return flow


def load_profiles(path: Path) -> dict[str, Profile]:
    """Listening profiles by name. Raises `FlowError`."""
    written = {name: (item, item.fields((*PROFILE_FIELDS, "slower")))
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
    if not 0 < profile.look_ms <= profile.sure_ms <= profile.quiet_ms < profile.longest_ms:
        raise item.error(f"a profile needs look ≤ sure ≤ quiet < longest, but look is {profile.look_ms}, "
                         f"sure {profile.sure_ms}, quiet {profile.quiet_ms}, longest {profile.longest_ms} ms")
    if profile.no_input_ms < 1000:
        raise item.error(f"no_input is {profile.no_input_ms} ms; nobody answers within a second, write 5000")
    return profile


def _values(item: Item | None) -> dict[str, str]:
    kinds = {}
    for name, kind in (item.fields() if item else {}).items():
        if kind.text() not in VALUE_KINDS:
            raise kind.error(f"'{kind.text()}' is no kind of value{nearest(kind.text(), VALUE_KINDS)}")
        kinds[name] = kind.text()
    return kinds


def _limits(item: Item) -> Limits:
    fields = item.fields(("turns", "seconds", "then", "misses", "after_misses"))
    for key in ("turns", "seconds", "then"):
        if key not in fields:
            raise item.error(f"limits need '{key}'; write {{turns: 14, seconds: 240, then: STATE}}")
    if ("misses" in fields) != ("after_misses" in fields):
        raise item.error("'misses' and 'after_misses' need each other: {misses: 6, after_misses: STATE}")
    misses = (fields["misses"].number(), fields["after_misses"].text()) if "misses" in fields else ()
    return Limits(fields["turns"].number(), fields["seconds"].number(), fields["then"].text(), *misses)


def _state(name: str, item: Item, profiles: dict[str, Profile]) -> State:
    fields = item.fields(STATE_KEYS)
    if "end" in fields and "next" in fields:
        raise fields["next"].error(f"state '{name}' ends the call, so nothing can follow; drop 'next'")
    if "end" not in fields and "next" not in fields:
        raise item.error(f"state '{name}' leads nowhere; add 'next: {{…}}' or 'end: OUTCOME'")
    if "listen" in fields and "do" in fields:
        raise fields["do"].error(f"state '{name}' cannot listen and act; make two states of it")

    def text(key: str) -> str:
        return fields[key].text() if key in fields else ""

    return State(
        name=name,
        where=item.where,
        say=_say(fields),
        short=fields["short"].texts() if "short" in fields else (),
        listen=_listen(fields["listen"], profiles) if "listen" in fields else None,
        action=text("do"),
        argument=text("with"),
        choose=text("choose"),
        while_waiting=_while_waiting(fields.get("while_waiting")),
        visits=_visits(fields.get("visits")),
        next={key: value.text() for key, value in fields["next"].fields().items()} if "next" in fields else {},
        end=text("end"),
    )


def _say(fields: dict[str, Item]) -> tuple[str, ...]:
    if "say" in fields and "say_by_visit" in fields:
        raise fields["say_by_visit"].error("give either 'say' or 'say_by_visit', not both")
    if "say_by_visit" in fields:
        return fields["say_by_visit"].texts()
    return (fields["say"].text(),) if "say" in fields else ()


def _listen(item: Item, profiles: dict[str, Profile]) -> Listen:
    fields = item.fields(("grammar", "choice", "profile", "barge_in", "into", "sure", "keys", "question"))
    if ("grammar" in fields) == ("choice" in fields):
        raise item.error("'listen' needs a grammar or a choice; write {grammar: yes_no} or "
                         "{choice: {park: [停车, 停车场], toilet: [厕所]}}")
    profile = Profile()
    if "profile" in fields:
        name = fields["profile"].text()
        if name not in profiles:
            raise fields["profile"].error(f"there is no profile '{name}'{nearest(name, profiles)}")
        profile = profiles[name]
    allowed, after_ms = barge_in(fields.get("barge_in"))
    return Listen(
        _grammar(fields["grammar"]) if "grammar" in fields else _choice(fields["choice"]),
        profile,
        barge_in=allowed,
        barge_in_after_ms=after_ms,
        question_share=question_share(fields.get("question")),
        keys=keys(fields.get("keys")),
        into=fields["into"].text() if "into" in fields else "",
        sure=_probability(fields["sure"]) if "sure" in fields else 0.0,
    )


def _grammar(item: Item) -> str:
    try:
        GrammarName.parse(item.text())
    except GrammarError as error:
        raise item.error(str(error).removesuffix(".")) from None
    return item.text()


def _choice(item: Item) -> str:
    """The name of a grammar of these phrases; a person and a repeat may be asked for instead."""
    choices = {}
    for value, said in item.fields().items():
        phrases = [phrase.text() for phrase in said.items()]
        try:
            choice_name({**choices, value: phrases})
        except GrammarError as error:
            raise said.error(str(error).removeprefix("choice: ").removesuffix(".")) from None
        choices[value] = phrases
    if not choices:
        raise item.error("a choice needs at least one value: {park: [停车, 停车场]}")
    return f"{choice_name(choices)}+person+repeat"


def _probability(item: Item) -> float:
    try:
        value = float(item.text())
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise item.error(f"'{item.text()}' is no probability; write a number from 0 to 1")
    return value


def _visits(item: Item | None) -> VisitLimit | None:
    if item is None:
        return None
    fields = item.fields(("at_most", "then"))
    if set(fields) != {"at_most", "then"}:
        raise item.error("'visits' needs both: {at_most: 2, then: STATE}")
    return VisitLimit(fields["at_most"].number(), fields["then"].text())


def _while_waiting(item: Item | None) -> WhileWaiting | None:
    if item is None:
        return None
    fields = item.fields(("say", "every_s"))
    if set(fields) != {"say", "every_s"}:
        raise item.error("'while_waiting' needs both: {say: PROMPT, every_s: 9}")
    return WhileWaiting(fields["say"].texts(), fields["every_s"].number())


def _require_states(flow: Flow, fields: dict[str, Item], always: dict[str, Item]) -> None:
    """Every state that is named exists. Raises `FlowError` at the name."""
    named = [("start", fields["start"]), ("limits.then", fields["limits"].fields()["then"])]
    if "after_misses" in fields["limits"].fields():
        named.append(("limits.after_misses", fields["limits"].fields()["after_misses"]))
    named += [(f"always.{event}", item) for event, item in always.items()]
    if "asides" in fields:
        named += [(f"asides.{name}.then", item.fields()["then"]) for name, item in fields["asides"].fields().items()]
    for name, item in fields["states"].fields().items():
        parts = item.fields()
        if "next" in parts:
            named += [(f"{name}.next.{key}", target) for key, target in parts["next"].fields().items()]
        if "visits" in parts:
            named.append((f"{name}.visits.then", parts["visits"].fields()["then"]))
    for label, item in named:
        if item.text() not in flow.states:
            raise FlowError(
                item.where,
                f"{label} leads to '{item.text()}', which is no state{nearest(item.text(), flow.states)}",
            )
