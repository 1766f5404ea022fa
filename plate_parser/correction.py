"""A speaker who takes back a part: `一二三四五，不对，是一二三四六`."""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from plate_parser.amend import amended
from plate_parser.rules import classify, provinces
from plate_parser.spoken import Token

_LEGAL_LENGTHS = (7, 8)
_MOST_CORRECTIONS = 5
"""More than these take back all that was said before the last of them."""
_NTH = re.compile("(倒数)?第([一二三四五六七八九1-9])")
_LAST = re.compile("(?:最?后面?|末尾)(?:这|那)?([一二两三四五1-5])")
_FIRST = ("开头", "打头", "前面")
_COUNTS = {word: n for n, word in enumerate("一二三四五", 1)} | {"两": 2} | {str(n): n for n in range(1, 6)}
_TAKEN_BACK = Token("correction", "")


def spliced(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], float]]:
    """What `tokens` may mean with every correction applied, each with a weight 0..1."""
    tokens = _with_those_not_said(tokens)
    cuts = [n for n, token in enumerate(tokens) if token.kind == "correction"]
    if len(cuts) > _MOST_CORRECTIONS:
        tokens = tokens[cuts[-_MOST_CORRECTIONS - 1] + 1 :]
    cut = next((n for n, token in enumerate(tokens) if token.kind == "correction"), None)
    if cut is None:
        yield list(tokens), 1.0
        return
    before, after = list(tokens[:cut]), list(tokens[cut + 1 :])
    if _taken_as_said(before, tokens[cut], after):
        yield before, 1.0
        return
    yield before, 0.1
    for later, weight in spliced(after):
        yield later, weight
        for joined in _replaced(before, later):
            yield joined, weight


def _with_those_not_said(tokens: Sequence[Token]) -> Sequence[Token]:
    """`赣K12345，第三位是九`: of a whole plate a place is named anew, and nothing is called wrong."""
    for n, token in enumerate(tokens):
        if token.kind != "filler" or not (_NTH.match(token.text) or _LAST.match(token.text) or token.text in _FIRST):
            continue
        until = next((later for later in range(n, len(tokens)) if tokens[later].kind == "correction"), None)
        plate, new = _text(_symbols(_last_plate(tokens[:n]))), _text(_symbols(_first_run(tokens[n:until])))
        said_before = any(before.kind == "correction" for before in tokens[:n])
        if token.text in _FIRST and new not in provinces():
            continue
        if new and not said_before and classify(plate) is not None and classify(plate + new) is None:
            return [*tokens[:n], _TAKEN_BACK, *tokens[n:]]
    return tokens


def _taken_as_said(before: list[Token], cut: Token, after: list[Token]) -> bool:
    """`是赣K12345不是赣K12346`, `第三位是九不是一`: what is denied comes last, without a pause."""
    if cut.text != "不是" or not before or before[-1].kind != "symbols" or not after or after[0].kind != "symbols":
        return False
    if any(_NTH.match(token.text) for token in before[-3:]) and len(_symbols(_first_run(after))) == 1:
        return True
    plate = _last_plate(before)
    lead = before[: len(before) - len(plate)]
    whole = classify(_text(_symbols(plate))) and classify(_text(_symbols(_first_run(after))))
    return bool(whole and lead and lead[-1].text == "是")


def _replaced(before: list[Token], after: list[Token]) -> Iterator[list[Token]]:
    kept, tail = _symbols(_last_plate(before)), _symbols(_first_run(after))
    if not kept or not tail:
        return
    named = _contrast(kept, after) or _in_its_place(kept, before, after) or _named_again(kept, tail)
    if named is not None:
        yield named
        return
    text, new = _text(kept), _text(tail)
    rest = after[_run_end(after) :]
    if classify(text) is not None:
        overlaps = [len(new)]
    else:
        overlaps = [len(text) + len(new) - length for length in _LEGAL_LENGTHS]
    for overlap in overlaps:
        if 0 < overlap <= len(text):
            yield [_literal(c) for c in text[: len(text) - overlap]] + list(tail) + rest


def _contrast(kept: list[Token], after: list[Token]) -> list[Token] | None:
    """`不是 B 是 D`: the named character is replaced where it was last said."""
    at = next((n for n, token in enumerate(after) if token.text == "是"), None)
    if at is None:
        return None
    wrong, right = _text(_symbols(after[:at])), _text(_symbols(_first_run(after[at + 1 :])))
    text = _text(kept)
    where = text.rfind(wrong) if wrong and right else -1
    if where < 0:
        return None
    return [_literal(c) for c in text[:where] + right + text[where + len(wrong) :]]


def _in_its_place(kept: list[Token], before: list[Token], after: list[Token]) -> list[Token] | None:
    """`第三位是五`, `最后一位应该是6`, `后两位67`: what stands where the caller says that it does."""
    named = [token.text for token in (*before[-4:], *after[: _run_end(after)]) if token.kind == "filler"]
    new = _text(_symbols(_first_run(after)))
    if classify(_text(kept)) is None:
        return None
    for name in reversed(named):
        place, last = _NTH.match(name), _LAST.match(name)
        if place and len(new) == 1:
            digit = "一二三四五六七八九".find(place[2]) + 1 or int(place[2])
            change = f"{'last' if place[1] else 'at'}:{digit}={new}"
        elif last and len(new) == _COUNTS[last[1]]:
            change = f"end:{new}"
        else:
            continue
        made = amended(change, [(_text(kept), 1.0)])
        return [_literal(c) for c in made[0][0]] if made else None
    return None


def _named_again(kept: list[Token], tail: list[Token]) -> list[Token] | None:
    """`赣K12345，3错了，是8`, `省份错了，是湘`: what is wrong is named once more, or can only be the province."""
    text, new = _text(kept), _text(tail)
    if new in provinces() and classify(text) is not None:
        return [_literal(c) for c in new + text[1:]]
    plate, wrong = text[:-1], text[-1]
    if len(new) != 1 or classify(text) is not None or classify(plate) is None or wrong not in plate:
        return None
    at = plate.rfind(wrong)
    return [_literal(c) for c in plate[:at] + new + plate[at + 1 :]]


def _last_plate(tokens: Sequence[Token]) -> list[Token]:
    """From the last word that can begin a plate: what is before it is no part of it."""
    starts = [n for n, t in enumerate(tokens) if t.kind == "symbols" and not t.best.isascii()]
    return list(tokens[starts[-1] :]) if starts else []


def _first_run(tokens: Sequence[Token]) -> list[Token]:
    return list(tokens[: _run_end(tokens)])


def _run_end(tokens: Sequence[Token]) -> int:
    """Where the first run of plate characters ends: at the first gap after one."""
    begun = False
    for n, token in enumerate(tokens):
        if token.kind == "symbols":
            begun = True
        elif token.kind in ("gap", "correction") and begun:
            return n
    return len(tokens)


def _symbols(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind == "symbols"]


def _text(tokens: Sequence[Token]) -> str:
    return "".join(token.best for token in tokens)


def _literal(char: str) -> Token:
    return Token("symbols", char, ((char, 1.0),))
