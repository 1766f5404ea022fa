"""One state of a flow, read: what it says, hears, does, and where it leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from asr.grammars.grammar_file import GrammarName, choice_name
from asr.listening.endpointing import Profile
from asr.recognizer import GrammarError
from ivr.flow.expression import Expression, ExpressionError, Scope, constant, parse
from ivr.flow.model import Argument, Choice, Listen, State, VisitLimit, WhileWaiting
from ivr.flow.source import FlowError, Item, nearest
from ivr.flow.turn_taking import barge_in, keys, question_share
from ivr.flow.values import EXAMPLES, LONGEST_TEXT, NUMBERS, fits, may_hold

MOST_VISITS = 20
"""Nobody asks one caller more often."""
MOST_WAIT_S = 600
"""Nobody waits longer for a word."""
STATE_KEYS = ("say", "say_by_visit", "short", "visits", "listen", "do", "with", "within_s", "run", "set", "while_waiting",
              "choose", "next", "end")
WORKS = ("listen", "do", "run", "choose")
"""A state does one of these at most."""
NEEDS_ACTION = ("with", "within_s", "while_waiting")
"""Of no use without a `do`."""


@dataclass(frozen=True)
class Names:
    """What a state may name: listening profiles, and the flow's values with their kinds."""

    profiles: Mapping[str, Profile]
    kinds: Mapping[str, str]


def load_state(name: str, item: Item, names: Names) -> State:
    """Raises `FlowError` for what the state alone can tell wrong."""
    if item.is_empty:
        raise item.key.error(f"state '{name}' is empty; write what it does below it, indented, such as "
                             "say: PROMPT and next: {done: STATE}, or take it out")
    fields = item.fields(STATE_KEYS)
    _require_one_subject(name, item, fields)
    choices = _choices(fields["choose"], names) if "choose" in fields and fields["choose"].is_list else ()
    arguments, single = _arguments(fields)
    return State(
        name=name,
        where=item.key.where if item.key else item.where,
        say=_say(fields),
        short=fields["short"].texts() if "short" in fields else (),
        listen=_listen(fields["listen"], names.profiles) if "listen" in fields else None,
        action=_text(fields, "do"),
        argument=single,
        arguments=arguments,
        within_s=fields["within_s"].number() if "within_s" in fields else 0,
        run=_text(fields, "run"),
        set=_settings(fields.get("set"), names.kinds),
        choose="" if choices else _text(fields, "choose"),
        choices=choices,
        while_waiting=_while_waiting(fields.get("while_waiting")),
        visits=_visits(fields.get("visits")),
        next={key: value.text() for key, value in fields["next"].fields().items()} if "next" in fields else {},
        end=_text(fields, "end"),
        places=dict(_places(fields)),
    )


def _require_one_subject(name: str, item: Item, fields: Mapping[str, Item]) -> None:
    if "choose" in fields and fields["choose"].is_mapping:
        raise fields["choose"].key.error("'choose' takes a list; write each {when: CONDITION, then: STATE} behind a dash, "
                                         "and {otherwise: STATE} last")
    works = [key for key in WORKS if key in fields]
    if len(works) > 1:
        raise fields[works[1]].key.error(f"state '{name}' has '{works[0]}' and '{works[1]}'; make two states of it")
    for key in NEEDS_ACTION:
        if key in fields and "do" not in fields:
            raise fields[key].key.error(f"'{key}' belongs to a 'do'; state '{name}' has none, so take it out")
    leads = "next" in fields or "choose" in fields and fields["choose"].is_list
    if "end" in fields and leads:
        raise fields["next" if "next" in fields else "choose"].key.error(
            f"state '{name}' ends the call, so nothing can follow; drop 'next'")
    if "end" in fields and works:
        raise fields[works[0]].key.error(f"state '{name}' ends the call, so it cannot {works[0]}; "
                                         "make two states of it")
    if "end" not in fields and not leads:
        where = item.key.where if item.key else item.where
        raise FlowError(where, f"state '{name}' leads nowhere; add 'next: {{…}}' or 'end: OUTCOME'")


def _text(fields: Mapping[str, Item], key: str) -> str:
    return fields[key].text() if key in fields else ""


def _places(fields: Mapping[str, Item]):
    for key, item in fields.items():
        yield key, item.key.where
        yield f"{key}>", item.where
        if key in ("say", "say_by_visit", "short"):
            listed = item.items() if item.is_list else [item]
            spoken = "short" if key == "short" else "say"
            yield from ((f"{spoken}.{place}", entry.where) for place, entry in enumerate(listed))
        elif item.is_mapping:
            for name, part in item.fields().items():
                yield f"{key}.{name}", part.key.where
                yield f"{key}.{name}>", part.where
                if key == "with" and part.is_mapping:
                    yield from ((f"with.{name}.{each}>", inner.where) for each, inner in part.fields().items())


def _say(fields: Mapping[str, Item]) -> tuple[str, ...]:
    if "say" in fields and "say_by_visit" in fields:
        raise fields["say_by_visit"].key.error("give either 'say' or 'say_by_visit', not both")
    if "say_by_visit" in fields:
        return fields["say_by_visit"].texts()
    return (fields["say"].text(),) if "say" in fields else ()


def _arguments(fields: Mapping[str, Item]) -> tuple[dict[str, Argument], str]:
    """What stands under `with:`: by name, or one value alone."""
    if "with" not in fields:
        return {}, ""
    item = fields["with"]
    if not item.is_mapping:
        return {}, item.text()
    return {name: {key: each.text() for key, each in part.fields().items()} if part.is_mapping else part.text()
            for name, part in item.fields().items()}, ""


def _settings(item: Item | None, kinds: Mapping[str, str]) -> dict[str, Expression]:
    found = {}
    for name, written in (item.fields() if item else {}).items():
        if name not in kinds:
            raise written.key.error(f"'{name}' is not among the flow's values{nearest(name, kinds)}")
        wanted = "number" if kinds[name] in NUMBERS else "text"
        if wanted == "text" and not written.is_quoted and written.text().isidentifier() and written.text() not in kinds:
            close = [f"did you mean the value '{near}'? " for near in get_close_matches(written.text(), kinds, n=1)]
            raise written.error(f"'{written.text()}' is no value of this flow; {''.join(close)}a text stands between "
                                f"quotes: \"{written.text()}\"")
        value = constant(written.text()) if written.is_quoted else _expression(written, kinds)
        if value.type != wanted:
            hint = "; put a text between quotes" if wanted == "text" else "; write a number, or a sum such as tries + 1"
            raise written.error(f"'{name}' is a {kinds[name]}, and this is a {value.type}{hint}")
        _require_fit(name, value, written, kinds)
        found[name] = value
    return found


def _require_fit(name: str, value: Expression, written: Item, kinds: Mapping[str, str]) -> None:
    """What is the same in every call is one of the value's kind, and a value that is copied may be one."""
    kind = kinds[name]
    for other in (kinds[each] for each in value.names):
        if not may_hold(kind, other):
            raise written.error(f"'{name}' is of the kind {kind}, and takes no value of the kind {other}; declare both of one kind")
    if value.names or kind in NUMBERS and "turns" in value.text:
        return
    always = str(value.evaluate(Scope({}, datetime.min)))
    if not always or fits(kind, always):
        return
    if kind in ("text", "words"):
        raise written.error(f"'{name}' takes at most {LONGEST_TEXT} characters, and these are {len(always)}; write less")
    instead = EXAMPLES[kind] if kind in NUMBERS else f'"{EXAMPLES[kind]}", or declare {name}: text'
    raise written.error(f"'{name}' is of the kind {kind}, which '{always}' is not; write one such as {instead}")


def _choices(item: Item, names: Names) -> tuple[Choice, ...]:
    lines = item.items()
    found = []
    for place, line in enumerate(lines):
        fields = line.fields(("when", "then", "otherwise"))
        if "otherwise" in fields and len(fields) == 1:
            if place + 1 < len(lines):
                raise fields["otherwise"].key.error("'otherwise' ends the list; put it last")
            found.append(Choice(None, fields["otherwise"].text(), fields["otherwise"].where))
        elif set(fields) == {"when", "then"}:
            condition = _expression(fields["when"], names.kinds)
            if condition.type != "truth":
                raise fields["when"].error(f"this is a {condition.type}, no condition; write tries < 3, or NAME is given")
            found.append(Choice(condition, fields["then"].text(), fields["then"].where))
        else:
            raise line.error("a line of 'choose' is {when: CONDITION, then: STATE} or, the last, {otherwise: STATE}")
    if not found or found[-1].when is not None:
        raise item.key.error("'choose' has no 'otherwise'; add {otherwise: STATE} as its last line")
    return tuple(found)


def _expression(item: Item, kinds: Mapping[str, str]) -> Expression:
    try:
        return parse(item.text(), kinds)
    except ExpressionError as error:
        raise FlowError(item.inside(error.offset), error.message) from None


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
    grammar = _grammar(fields["grammar"]) if "grammar" in fields else _choice(fields["choice"])
    return Listen(
        grammar,
        profile,
        barge_in=allowed,
        barge_in_after_ms=after_ms,
        question_share=question_share(fields.get("question")),
        keys=keys(fields.get("keys"), grammar),
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
            raise (said if value.isidentifier() else said.key).error(str(error).removeprefix("choice: ").removesuffix(".")) from None
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
    return VisitLimit(fields["at_most"].count(MOST_VISITS), fields["then"].text())


def _while_waiting(item: Item | None) -> WhileWaiting | None:
    if item is None:
        return None
    fields = item.fields(("say", "every_s", "first_s", "listen", "into"))
    if not {"say", "every_s"} <= set(fields):
        raise item.error("'while_waiting' needs both: {say: PROMPT, every_s: 9}")
    if "into" in fields and "listen" not in fields:
        raise fields["into"].key.error("'into' takes what 'listen' does not know; add listen: GRAMMAR beside it")
    every_s = fields["every_s"].count(MOST_WAIT_S)
    first_s = fields["first_s"].number() if "first_s" in fields else every_s
    return WhileWaiting(fields["say"].texts(), every_s, _text(fields, "listen"), first_s, _text(fields, "into"))
