"""The report of `ivr bench hear` as one HTML file that needs nothing else."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from hotline.bench.confusions import most_confused
from hotline.bench.pictures import confusion_picture, place_picture, reliability_picture
from hotline.bench.table import percent, summary
from hotline.errors import CannotRun

CONFUSED_SHOWN, MISSES_SHOWN = 40, 500
STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;max-width:75rem;
padding:0 1rem;color:#222}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid #eee}
.side{display:flex;flex-wrap:wrap;gap:2rem}.wide{overflow-x:auto}.faint{color:#777}
svg text{font-family:inherit}
"""


def write_page(path: Path, report: dict[str, Any]) -> None:
    """Write the page. Raises `CannotRun` where the file cannot be written."""
    try:
        path.write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}); name another file for --html") from None


def page(report: dict[str, Any]) -> str:
    """The whole page as text."""
    speakers = [
        (name, each["n"], percent(each["top1"]), percent(each["top5"]), percent(each["char_accuracy"]))
        for name, each in report["by_speaker"].items()
    ]
    confused = most_confused(report["confusion"])[:CONFUSED_SHOWN]
    misses = [(m["file"], m["speaker"], m["expected"] or "to be rejected", m["heard"] or "rejected", m["rank"] or "–")
              for m in report["misses"][:MISSES_SHOWN]]
    pictures = reliability_picture(report["calibration"]), place_picture(report["by_position"])
    return "".join((
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>How well it hears</title>",
        f"<style>{STYLE}</style><h1>How well it hears: {escape(report['set'])}</h1>",
        f"<p class='faint'>{escape(report['model'])}, {escape(report['conditions'])}, {escape(report['made_at'])}</p>",
        _table((), summary(report)),
        "<div class='side'>",
        *(_titled(title, picture) for title, picture in zip(("How far to trust its probabilities", "Right by place"), pictures)),
        "</div>",
        _titled("Which character was heard as which",
                _wide(confusion_picture(report["confusion"])),
                "Rows were said, columns heard. Green is right, red is wrong; darker is more of the row. ∅: lost or added."),
        _titled("Most confused", _table(("said", "heard as", "times", "of"), confused)) if confused else "",
        _titled("By speaker", _table(("speaker", "n", "right at first", "first five", "characters"), speakers)),
        _titled("Misses", _table(("file", "speaker", "said", "heard", "place of the right one"), misses)) if misses else "",
        _titled("Rows that could not be used", _table((), [(each,) for each in report["problems"]])) if report["problems"] else "",
        "</html>\n",
    ))


def _titled(title: str, body: str, words: str = "") -> str:
    text = f"<p class='faint'>{escape(words)}</p>" if words else ""
    return f"<section><h2>{escape(title)}</h2>{text}{body or '<p>nothing to show</p>'}</section>"


def _wide(body: str) -> str:
    return f"<div class='wide'>{body}</div>" if body else ""


def _table(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    head = "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>" if header else ""
    rows = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table>{head}{rows}</table>"
