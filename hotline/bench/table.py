"""The figures of `ivr bench hear` as tables on a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

from hotline.bench.confusions import most_confused

SHOWN = 12


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def summary(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The headline figures as (what, figure)."""
    low, high = report["top1_interval"] or (None, None)
    lines = [
        ("recordings, speakers", f"{report['files']}, {report['speakers']}"),
        ("line", report["conditions"]),
        ("right at first", f"{percent(report['top1'])}  (95 %: {percent(low)} to {percent(high)})"),
        ("right among the first five", percent(report["top5"])),
        ("characters right", percent(report["char_accuracy"])),
        ("right length", percent(report["right_length"])),
        ("rejected, wrong at first", f"{percent(report['rejected'])}, {percent(report['wrong'])}"),
        ("calibration error (ECE)", _calibration_error(report)),
        ("real-time factor", "–" if report["rtf"] is None else f"{report['rtf']:.3f}"),
        ("peak memory", f"{report['peak_mb']:.0f} MB"),
    ]
    if report["foreign"]["files"]:
        lines.insert(7, ("to be rejected, and were", f"{report['foreign']['files']}, {percent(report['foreign']['rejected'])}"))
    if register := report.get("register"):
        lines += [
            (f"register of {register['size']:,}: right plate first", percent(register["right_first"])),
            ("  asked for again, wrong first", f"{percent(register['again'])}, {percent(register['wrong_first'])}"),
            (f"  wrong at p ≥ {register['sure_from']}", f"{register['wrong_sure']} of {register['plates']}"),
            ("  the same, own plate left out", f"{register['stranger_sure']} of {register['plates']}"),
        ]
    return lines


def _calibration_error(report: dict[str, Any]) -> str:
    if report["ece"] is None:
        return "–"
    return f"{report['ece']:.3f}  (honest probabilities would show {report['ece_by_chance']:.3f} on so few)"


def show(report: dict[str, Any], console: Console) -> None:
    """Print everything that a tester looks at first."""
    console.print(_table("", ("", ""), summary(report), header=False))
    if report["by_speaker"]:
        speakers = sorted(report["by_speaker"].items(), key=lambda item: (item[1]["top1"] or 0, item[0]))
        console.print(_table("by speaker, worst first", ("speaker", "n", "right at first", "first five", "characters"), [
            (name, str(each["n"]), percent(each["top1"]), percent(each["top5"]), percent(each["char_accuracy"]))
            for name, each in speakers[: 3 * SHOWN]
        ]))
    if report["by_position"]:
        console.print(_table("by place", [str(each["place"]) for each in report["by_position"]],
                             [[percent(each["right"]) for each in report["by_position"]]]))
    if confused := most_confused(report["confusion"])[:SHOWN]:
        console.print(_table("most confused", ("said", "heard as", "times", "of"), [
            (said, heard, str(times), str(total)) for said, heard, times, total in confused
        ]))
    if report["calibration"]:
        console.print(_table("calibration", ("probability", "n", "mean", "right"), [
            (f"{each['from']:.1f}–{each['to']:.1f}", str(each["n"]), percent(each["said"]), percent(each["right"]))
            for each in report["calibration"]
        ]))


def _table(title: str, columns, lines, header: bool = True) -> Table:
    table = Table(title=title or None, title_justify="left", show_header=header, box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or not header else "right")
    for line in lines:
        table.add_row(*line)
    return table
