"""What a day came to: how many requests ended without a person, how soon, and whom they called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from asr.measure.figures import interval
from hotline.bench.day.live import Lived

MINUTE_S = 60
THE_LIVE_SERVICE = {"plates_right": 0.80, "by_itself": 0.875}
"""What a city's service of this kind does, of 200 requests a day; each of these takes it under a minute."""


def figures(day: Sequence[Lived]) -> dict[str, Any]:
    """Shares with their 95 % interval as [share, low, high]; `ordinary` are the requests that need no person by their nature."""
    ordinary = [each for each in day if not each.request.needs_person]
    alone = [each for each in day if each.by_itself]
    return {
        "requests": len(day),
        "by_itself": _share(len(alone), len(day)),
        "ordinary": {
            "requests": len(ordinary),
            "by_itself": _share(sum(each.by_itself for each in ordinary), len(ordinary)),
            "right_plate": _share(sum(each.right_plate for each in ordinary), len(ordinary)),
            "read_back_right_first": _share(sum(each.first_read == each.request.cast.plate for each in ordinary), len(ordinary)),
            "said_once": _share(sum(each.right_plate and each.sayings == 1 for each in ordinary), len(ordinary)),
        },
        "wrong_owner_called": sum(each.wrong_owner for each in day),
        "call_s": _seconds([each.call_s for each in alone]),
        "under_a_minute": _share(sum(each.call_s < MINUTE_S for each in alone), len(alone)),
        "outcomes": dict(Counter(each.outcome for each in day).most_common()),
        "persons_why": dict(Counter(each.reason or each.outcome for each in day if not each.by_itself).most_common()),
        "by_voice": _by_voice(ordinary),
        "against": THE_LIVE_SERVICE,
        "synthetic_voices": True,
    }


def _share(hits: int, total: int) -> list[float | None]:
    if not total:
        return [None, None, None]
    low, high = interval(hits, total)
    return [round(hits / total, 4), round(low, 4), round(high, 4)]


def _seconds(lengths: list[float]) -> dict[str, float | None]:
    if len(lengths) < 2:
        return {"p50": None, "p90": None}
    return {"p50": round(median(lengths), 1), "p90": round(quantiles(lengths, n=10)[-1], 1)}


def _by_voice(ordinary: Sequence[Lived]) -> dict[str, list[int]]:
    """Voice → how many ended without a person, of how many."""
    voices: dict[str, list[int]] = {}
    for each in ordinary:
        counts = voices.setdefault(each.request.caller.voice, [0, 0])
        counts[0] += each.by_itself
        counts[1] += 1
    return voices


def told(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as (what, figure), for a terminal."""
    ordinary, seconds = report["ordinary"], report["call_s"]
    return [
        ("requests, of which need no person by their nature", f"{report['requests']}, {ordinary['requests']}"),
        ("ended without a person, of all", _percent(report["by_itself"])),
        ("the same, of those that need none", _percent(ordinary["by_itself"])),
        ("the plate that the caller called right is right", _percent(ordinary["right_plate"])),
        ("the plate read back first is right", _percent(ordinary["read_back_right_first"])),
        ("the plate was said once", _percent(ordinary["said_once"])),
        ("somebody else's phone was called", str(report["wrong_owner_called"])),
        ("a call without a person takes", "–" if seconds["p90"] is None else f"{seconds['p50']} s; nine of ten under {seconds['p90']} s"),
        ("of these under a minute", _percent(report["under_a_minute"])),
        ("outcomes", ", ".join(f"{name} {count}" for name, count in report["outcomes"].items())),
        ("persons, because", ", ".join(f"{why} {count}" for why, count in report["persons_why"].items()) or "–"),
        ("without a person, by voice", ", ".join(f"{voice} {good}/{of}" for voice, (good, of) in report["by_voice"].items())),
    ]


def _percent(share: list[float | None]) -> str:
    value, low, high = share
    return "–" if value is None else f"{value:.1%} ({low:.1%} to {high:.1%})"
