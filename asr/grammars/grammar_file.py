"""What a grammar's file says, checked: names with parameters, choices of phrases, rules of other files."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from asr.recognizer import GrammarError

KEYS = ("start", "with", "use", "beside", "parameters", "rules", "choice", "free", "impossible")
COMMON = "common"
ADDED = 0.02
"""Weight of a common rule that is added by name: minutes+person."""
_CHOICE_START = "chosen"
_PHRASE_MARKS = "+=;"
_FILE = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class GrammarName:
    """``digits(length=5-8)+person``: file, parameters, common rules added. Raises GrammarError."""

    file: str
    parameters: Mapping[str, str]
    added: tuple[str, ...]

    @classmethod
    @functools.cache
    def parse(cls, written: str) -> GrammarName:
        name, *added = written.split("+")
        file, bracket, inside = name.partition("(")
        if not _FILE.fullmatch(file) or "" in added or bracket and not inside.endswith(")"):
            raise GrammarError(f"`{written}` is no grammar's name: write yes_no, digits(length=11) or "
                               "minutes+person.")
        parameters = {}
        for part in inside[:-1].split(";") if bracket else ():
            key, equals, value = part.partition("=")
            if not equals or not key.strip():
                raise GrammarError(f"`{written}`: `{part}` is no parameter: write length=11.")
            parameters[key.strip()] = value.strip()
        return cls(file, parameters, tuple(added))

    @property
    def inline(self) -> bool:
        """A choice whose phrases stand in the name itself."""
        return self.file == "choice"


@dataclass(frozen=True)
class Document:
    """A grammar's rules with those it uses; ``places``: rule → file:line; ``beside``: other files of its
    folder whose sentences may be said instead, with their probabilities; ``impossible``: values that nobody means."""

    source: str
    start: str = ""
    rules: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    free: bool = False
    beside: Mapping[str, float] = field(default_factory=dict)
    impossible: tuple[re.Pattern[str], ...] = ()


def choice_name(choices: Mapping[str, Sequence[str]]) -> str:
    """The name that stands for a choice of phrases, value → what is said for it. Raises GrammarError."""
    _check_choices(choices, "choice")
    return "choice(" + ";".join(f"{value}={'|'.join(said)}" for value, said in choices.items()) + ")"


def read(name: GrammarName, folder: Path) -> Document:
    """The document that a name stands for. Raises GrammarError with file and line."""
    if name.inline:
        choices = {value: said.split("|") for value, said in name.parameters.items()}
        written, path, given = {"choice": choices}, Path("choice"), {}
    else:
        path = folder / f"{name.file}.yaml"
        written, given = _load(path), name.parameters
    common = folder / f"{COMMON}.yaml"
    extra = {**_mapping(written, "with", path), **dict.fromkeys(name.added, ADDED)}
    document = assembled(written, path, folder, _load(common) if common.exists() else {}, extra)
    unknown = next((key for key in given if key not in document.parameters), None)
    if unknown:
        raise GrammarError(f"{path}: there is no parameter `{unknown}`{near(unknown, document.parameters)}")
    missing = next((rule for rule in name.added if rule not in document.rules), None)
    if missing:
        raise GrammarError(f"{common}: there is no rule `{missing}`{near(missing, document.rules)}")
    return Document(**{**document.__dict__, "parameters": {**document.parameters, **given}})


def assembled(written: dict, path: Path, folder: Path | None = None, common: dict | None = None,
              extra: Mapping[str, float] | None = None) -> Document:
    """A file's content with the rules that it takes from others."""
    if not isinstance(written, dict):
        raise GrammarError(f"{path}: a grammar needs `start` and `rules`, a `choice`, or `free: true`.")
    for key in written:
        if key not in KEYS:
            raise GrammarError(f"{_at(path, written, key)}: `{key}` is not known here{near(key, KEYS)}")
    if written.get("free"):
        return Document(str(path), free=True)
    rules, places, parameters, impossible = {}, {}, {}, []
    sources = [(common or {}, folder / f"{COMMON}.yaml" if folder else path)]
    if not isinstance(written.get("use", []), list) or not isinstance(written.get("start", ""), str):
        raise GrammarError(f"{path}: `use` needs a list of files, `start` the name of a rule.")
    for used in written.get("use", []):
        sources.append((_load(folder / f"{used}.yaml"), folder / f"{used}.yaml"))
    for body, source in (*sources, (written, path)):
        own = _mapping(body, "rules", source)
        rules |= own
        impossible += _patterns(body, source)
        places |= {rule: _at(source, own, rule) for rule in own}
        parameters |= {key: str(value) for key, value in _mapping(body, "parameters", source).items()}
    if "choice" in written:
        rules |= _choice_rules(written["choice"], _at(path, written, "choice"))
    elif "start" not in written or "rules" not in written:
        raise GrammarError(f"{path}: a grammar needs `start` and `rules`, a `choice`, or `free: true`.")
    return Document(str(path), written.get("start", _CHOICE_START), rules,
                    _weights("with", extra if extra is not None else _mapping(written, "with", path), path),
                    parameters, places, beside=_weights("beside", _mapping(written, "beside", path), path),
                    impossible=tuple(impossible))


def near(word: str, known) -> str:
    """`; did you mean …?` or what there is."""
    close = get_close_matches(str(word), list(known), n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known: {', '.join(known)}." if known else "; there are none."


def _choice_rules(choices: Mapping[str, Sequence[str]], where: str) -> dict[str, object]:
    """Phrases → value, with what people say around a choice."""
    _check_choices(choices, where)
    return {
        _CHOICE_START: [{"say": "({before}@0.3|@0.7) {phrases} ({after}@0.2|@0.8)"}],
        "phrases": [{"say": f"({'|'.join(said)})", "value": str(value)}
                    for value, said in choices.items()],
        "before": [{"say": "[嗯|呃|哦|那个|你好] (我要|我想|我想要|我要问|我想问|我问一下|我找|请问|帮我|就是|我选|要|是)",
                    "weight": 0.7}, {"say": "(嗯|呃|哦|那个)", "weight": 0.3}],
        "after": [{"say": "(吧|啊|的|谢谢|这个|在哪里|怎么走|的事|呢|好了)"}],
    }


def _check_choices(choices, where: str) -> None:
    if not isinstance(choices, Mapping) or not choices:
        raise GrammarError(f"{where}: a choice is a mapping of values to phrases: "
                           "choice: {park: [停车, 停车场], toilet: [厕所]}.")
    taken: dict[str, str] = {}
    for value, said in choices.items():
        at = _at(where.rpartition(":")[0], choices, value) if hasattr(choices, "lc") else where
        if not str(value).isidentifier():
            why = ("it begins with a digit, so put a letter before it: "
                   f"v{value}" if f"v{value}".isidentifier() else "a branch of the flow has that name, so write letters, digits and _")
            raise GrammarError(f"{at}: `{value}` cannot be a choice's value: {why}.")
        if isinstance(said, str) or not isinstance(said, Sequence) or not said:
            raise GrammarError(f"{at}: `{value}` needs a list of phrases: {value}: [停车, 停车场].")
        for phrase in said:
            if not isinstance(phrase, str) or not phrase.strip() or set(phrase) & set(_PHRASE_MARKS):
                raise GrammarError(f"{at}: `{phrase}` is no phrase: write what is said, in quotes if "
                                   f"need be, without {' '.join(_PHRASE_MARKS)}.")
            if taken.setdefault(phrase, str(value)) != str(value):
                raise GrammarError(f"{at}: `{phrase}` is said for `{taken[phrase]}` and for `{value}`; "
                                   "keep one of them.")


def _weights(key: str, written: Mapping[str, object], path: Path) -> dict[str, float]:
    try:
        weights = {name: float(weight) for name, weight in written.items()}
    except (TypeError, ValueError):
        weights = {"": -1.0}
    if any(weight <= 0 for weight in weights.values()) or sum(weights.values()) >= 1:
        raise GrammarError(f"{path}: `{key}` needs weights over 0 that sum to less than 1: {{person: 0.02}}.")
    return weights


def _patterns(written: dict, path: Path) -> list[re.Pattern[str]]:
    try:
        return [re.compile(written["impossible"])] if "impossible" in written else []
    except (re.error, TypeError) as error:
        raise GrammarError(f"{_at(path, written, 'impossible')}: `impossible` needs a regular expression of whole "
                           f"values in quotes ({error}).") from None


def _mapping(body: dict, key: str, path: Path) -> dict:
    found = body.get(key, {}) if isinstance(body, dict) else {}
    if not isinstance(found, dict):
        raise GrammarError(f"{_at(path, body, key)}: `{key}` needs a mapping.")
    return found


def _at(path: Path | str, mapping, key) -> str:
    """file:line of a key, where the file's reader knows it."""
    place = getattr(mapping, "lc", None)
    return f"{path}:{place.key(key)[0] + 1}" if place is not None and key in mapping else str(path)


@functools.lru_cache(maxsize=64)
def _parsed(path: Path, _changed_ns: int) -> dict:
    return YAML(typ="rt").load(path.read_text("utf-8"))


def _load(path: Path) -> dict:
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise GrammarError(f"{path}: there is no such grammar.") from error
    except UnicodeDecodeError as error:
        raise GrammarError(f"{path}: the file is not UTF-8 text; save it as UTF-8.") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise GrammarError(f"{path}{line}: not YAML: {error.problem or error.context}.") from error
    except YAMLError as error:
        raise GrammarError(f"{path}: not YAML: {error}") from error
