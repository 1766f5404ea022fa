"""A fixture: a folder whose `expect.yaml` says who says what and when, and what must come of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from asr.recognizer import AsrError
from ivr.flow.source import FlowError, Item, Where
from ivr.flow.yaml_file import read_yaml
from ivr.replay.line import ENDINGS
from ivr.replay.recorded import recorded

FILE = "expect.yaml"
FIXTURE_KEYS = ("about", "voice", "letters", "yao", "register", "attempts", "earlier", "hour", "remind_s", "hold_s", "goes_on_s", "phone", "call_back", "texts", "vault",
                "line", "turns", "owner", "seat", "expect")
TURN_KEYS = ("on", "at_ms", "over_ms", "after_ms", "say", "audio", "sound_ms", "key", "hang_up", "voice",
             "speed", "db", "heard")
LINE_KEYS = ("noise", "noise_db", "echo_db", "echo_ms", "lost", "behind", "behind_voice", "behind_db")
EARLIER_KEYS = ("answer", "minutes", "ago_s", "promised")
CALLED_KEYS = ("before", "rings_ms", "ends", "voice", "line", "turns")
EXPECT_KEYS = ("outcome", "reason", "plate", "minutes", "prompts", "states", "seconds", "reply_ms", "barge_in_ms")
ANSWERS = "answers"
SEATS = (ANSWERS, "busy", "no-answer")
PHONES = ("mobile", "landline", "withheld")
TEXTS = ("none", "sent", "refused")
DEFAULT_VOICE, DEFAULT_OWNER_VOICE = "zm_yunxi", "zf_xiaoyi"
ANSWER_AFTER_MS = 400
"""How long a person takes to answer a prompt that has ended."""


@dataclass(frozen=True)
class Turn:
    """One thing that a person does, and what the bot must make of it.

    It begins `at_ms` of the call, `over_ms` after prompt `on` began, or `after_ms` after it ended;
    without `on`, `after_ms` after the turn before. `says` holds texts and rests (ms) in order.
    `heard`: values in order, or `no_input`, `no_match`, `key 1`; None where it does not matter.
    """

    number: int
    on: str = ""
    at_ms: int | None = None
    over_ms: int | None = None
    after_ms: int = ANSWER_AFTER_MS
    says: tuple[str | int, ...] = ()
    audio: Path | None = None
    sound_ms: int = 0
    keys: str = ""
    hang_up: bool = False
    voice: str = ""
    speed: float = 1.0
    db: float = 0.0
    heard: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """For messages: its number from 1, and its prompt."""
        return f"turn {self.number}" + (f" ({self.on})" if self.on else "")


@dataclass(frozen=True)
class LineSound:
    """What the line adds: noise and a voice in the background (dBFS), echo (dB under the bot's own
    voice) after `echo_ms`, and packets `lost` (percent)."""

    noise: str = ""
    noise_db: float = -40.0
    echo_db: float | None = None
    echo_ms: int = 100
    lost: float = 0.0
    behind: str = ""
    behind_voice: str = "zf_xiaoyi"
    behind_db: float = -45.0


@dataclass(frozen=True)
class Script:
    """One person: how they answer their phone, and their turns."""

    turns: tuple[Turn, ...] = ()
    line: LineSound = field(default_factory=LineSound)
    voice: str = DEFAULT_VOICE
    rings_ms: int = 1500
    ends: str = ""
    before: tuple[str, ...] = ()
    """How earlier calls to the same number end; "" where they are answered."""


@dataclass(frozen=True)
class Earlier:
    """A call of the same caller's `ago_s` before, about the first plate of the register: what came of the
    call to the owner, "" where none was made yet; `promised`: the outcome by `call` or `text`, "" where nothing was."""

    answer: str = ""
    minutes: str = ""
    ago_s: int = 60
    promised: str = ""


@dataclass(frozen=True)
class Expected:
    """What must come of a side's conversation; None where it does not matter."""

    outcome: str | None = None
    reason: str | None = None
    plate: str | None = None
    minutes: str | None = None
    prompts: tuple[str, ...] | None = None
    states: tuple[str, ...] | None = None
    seconds: int | None = None
    reply_ms: int | None = None
    barge_in_ms: int | None = None
    texts: tuple[str, ...] | None = None
    """Names of the texts that were sent, in order."""
    promise: str | None = None
    """`kept` or `unkept`: what became of the outcome that the caller was promised."""


@dataclass(frozen=True)
class Fixture:
    """A whole conversation. `owner`: one script a number that is called, in order; `call_back`: one each time that
    the caller is rung afterwards, None where nobody can be."""

    name: str
    folder: Path
    about: str
    caller: Script
    owner: tuple[Script, ...]
    expected: Expected
    owner_expected: Expected
    call_back: tuple[Script, ...] | None = None
    call_back_expected: Expected = Expected()
    phone: str = "withheld"
    """What the trunk shows of the caller's."""
    texts: str = "none"
    """Whether there is a gateway for texts, and what it does with them."""
    register: tuple[str, ...] = ()
    vault_down: bool = False
    attempts: int = 0
    """Calls that the owner's request may take; 0 for one to each number."""
    earlier: Earlier | None = None
    calls: bool = True
    """Whether the caller calls; else only what was promised before is kept."""
    hour: int = 12
    """Of the day, when the call begins; between 22 and 7 owners have quiet hours."""
    remind_s: int = 0
    hold_s: int = 90
    """So long the caller may be kept on the line."""
    goes_on_s: int = 0
    """So long what happens is watched when the caller has gone."""
    seat: str = "answers"
    letters: str = "english"
    yao: bool = True

    @property
    def scripts(self) -> tuple[Script, ...]:
        """Everybody's who speaks."""
        return (self.caller, *self.owner, *(self.call_back or ()))


def find(paths: Collection[Path]) -> list[Path]:
    """The folders of all fixtures in these paths, in order. Raises FlowError where a path has none."""
    found: dict[Path, None] = {}
    for path in paths:
        here = [path.parent] if path.name == FILE else sorted(each.parent for each in path.rglob(FILE))
        if not here or not (here[0] / FILE).is_file():
            raise FlowError(Where(str(path), 1, 1), f"there is no {FILE} here or below; name a fixture's folder")
        found.update(dict.fromkeys(here))
    return list(found)


def load(folder: Path) -> Fixture:
    """Read a fixture. Raises FlowError with line and column for what it says wrongly."""
    root = read_yaml(folder / FILE)
    fields = root.fields(FIXTURE_KEYS)
    earlier = _earlier(fields["earlier"]) if "earlier" in fields else None
    for key in ("about", "expect") if earlier and earlier.promised else ("about", "turns", "expect"):
        if key not in fields:
            raise root.error(f"the fixture has no '{key}:'; add it")
    voice = _text(fields.get("voice"), DEFAULT_VOICE)
    expected, owner_expected, call_back_expected = _expected(fields["expect"])
    return Fixture(
        name=folder.name,
        folder=folder,
        about=fields["about"].text(),
        caller=Script(_turns(fields["turns"], folder) if "turns" in fields else (), _line(fields.get("line")), voice),
        calls="turns" in fields,
        owner=tuple(_called(item, folder) for item in fields["owner"].items()) if "owner" in fields else (),
        expected=expected,
        owner_expected=owner_expected,
        call_back=tuple(_called(item, folder, voice) for item in fields["call_back"].items()) if "call_back" in fields else None,
        call_back_expected=call_back_expected,
        phone=_one_of(fields["phone"], PHONES) if "phone" in fields else "withheld",
        texts=_one_of(fields["texts"], TEXTS) if "texts" in fields else "none",
        register=fields["register"].texts() if "register" in fields else (),
        vault_down="vault" in fields and _one_of(fields["vault"], ("up", "down")) == "down",
        attempts=fields["attempts"].number() if "attempts" in fields else 0,
        earlier=earlier,
        hour=fields["hour"].number() if "hour" in fields else 12,
        **{key: fields[key].number() for key in ("remind_s", "hold_s", "goes_on_s") if key in fields},
        seat=_one_of(fields["seat"], SEATS) if "seat" in fields else "answers",
        letters=_one_of(fields["letters"], ("english", "chinese")) if "letters" in fields else "english",
        yao=fields["yao"].yes_or_no() if "yao" in fields else True,
    )


def _earlier(item: Item) -> Earlier:
    fields = item.fields(EARLIER_KEYS)
    return Earlier(_text(fields.get("answer")), _text(fields.get("minutes")),
                   fields["ago_s"].number() if "ago_s" in fields else Earlier.ago_s,
                   _one_of(fields["promised"], ("call", "text")) if "promised" in fields else "")


def _called(item: Item, folder: Path, voice: str = DEFAULT_OWNER_VOICE) -> Script:
    """Somebody who is rung."""
    fields = item.fields(CALLED_KEYS)
    return Script(
        turns=_turns(fields["turns"], folder) if "turns" in fields else (),
        line=_line(fields.get("line")),
        voice=_text(fields.get("voice"), voice),
        rings_ms=fields["rings_ms"].number() if "rings_ms" in fields else 1500,
        ends=_one_of(fields["ends"], ENDINGS) if "ends" in fields else "",
        before=_before(fields["before"]) if "before" in fields else (),
    )


def _before(item: Item) -> tuple[str, ...]:
    ends = (_one_of(each, (*ENDINGS, ANSWERS)) for each in item.items())
    return tuple("" if end == ANSWERS else end for end in ends)


def _turns(item: Item, folder: Path) -> tuple[Turn, ...]:
    return tuple(_turn(number, each, folder) for number, each in enumerate(item.items(), 1))


def _turn(number: int, item: Item, folder: Path) -> Turn:
    fields = item.fields(TURN_KEYS)
    does = [key for key in ("say", "audio", "sound_ms", "key", "hang_up") if key in fields]
    if len(does) > 1:
        raise item.error(f"a turn does one thing, not {' and '.join(does)}; make a turn of each")
    when = [key for key in ("at_ms", "over_ms", "after_ms") if key in fields]
    if len(when) > 1 or ("at_ms" in fields and "on" in fields):
        raise item.error("a turn begins once: at_ms, or on a prompt with over_ms or after_ms")
    if "over_ms" in fields and "on" not in fields:
        raise item.error("over_ms counts from the beginning of a prompt; add on: with its id")
    return Turn(
        number=number,
        on=_text(fields.get("on")),
        at_ms=fields["at_ms"].number() if "at_ms" in fields else None,
        over_ms=fields["over_ms"].number() if "over_ms" in fields else None,
        after_ms=fields["after_ms"].number() if "after_ms" in fields else ANSWER_AFTER_MS,
        says=_says(fields["say"]) if "say" in fields else (),
        audio=_audio(fields["audio"], folder) if "audio" in fields else None,
        sound_ms=fields["sound_ms"].number() if "sound_ms" in fields else 0,
        keys=_text(fields.get("key")),
        hang_up="hang_up" in fields and fields["hang_up"].yes_or_no(),
        voice=_text(fields.get("voice")),
        speed=_decimal(fields["speed"]) if "speed" in fields else 1.0,
        db=_decimal(fields["db"]) if "db" in fields else 0.0,
        heard=fields["heard"].texts() if "heard" in fields else None,
    )


def _audio(item: Item, folder: Path) -> Path:
    """Where the recording is, once it was read."""
    path = folder / item.text()
    if not path.is_file():
        raise item.error(f"{path} is not there; put the recording into the fixture's folder")
    try:
        recorded(path)
    except AsrError as error:
        raise item.error(str(error).rstrip(".")) from None
    return path


def _says(item: Item) -> tuple[str | int, ...]:
    """Texts and rests; what is all digits is a rest."""
    parts = item.texts()
    if len(parts) == 1:
        return parts
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _line(item: Item | None) -> LineSound:
    if item is None:
        return LineSound()
    fields = item.fields(LINE_KEYS)
    given: dict[str, object] = {key: value.text() for key, value in fields.items() if key in ("behind", "behind_voice")}
    given |= {key: _decimal(fields[key]) for key in ("noise_db", "echo_db", "lost", "behind_db") if key in fields}
    if "noise" in fields:
        given["noise"] = _one_of(fields["noise"], ("hiss", "street"))
    if "echo_ms" in fields:
        given["echo_ms"] = fields["echo_ms"].number()
    return LineSound(**given)


def _expected(item: Item) -> tuple[Expected, Expected, Expected]:
    """Of the caller's side, of the owner's, and of calls back."""
    fields = item.fields((*EXPECT_KEYS, "owner", "call_back", "texts", "promise"))
    if "outcome" not in fields:
        raise item.error("a fixture must say how the call ends; add outcome:")
    owner, call_back = (_side(fields[side].fields(EXPECT_KEYS)) if side in fields else Expected()
                        for side in ("owner", "call_back"))
    return _side(fields), owner, call_back


def _side(fields: dict[str, Item]) -> Expected:
    given: dict[str, object] = {
        key: fields[key].text() for key in ("outcome", "reason", "plate", "minutes", "promise") if key in fields}
    given |= {key: fields[key].texts() for key in ("prompts", "states", "texts") if key in fields}
    given |= {key: fields[key].number() for key in ("seconds", "reply_ms", "barge_in_ms") if key in fields}
    return Expected(**given)


def _text(item: Item | None, otherwise: str = "") -> str:
    return item.text() if item else otherwise


def _decimal(item: Item) -> float:
    try:
        return float(item.text())
    except ValueError:
        raise item.error(f"expected a number such as -20 or 1.1, not '{item.text()}'") from None


def _one_of(item: Item, known: Collection[str]) -> str:
    if item.text() not in known:
        raise item.error(f"'{item.text()}' is not known here; write one of {', '.join(known)}")
    return item.text()
