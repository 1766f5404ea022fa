"""JUnit XML of replays, as Jenkins and GitLab read it: one suite a folder of fixtures, one case each.

Jenkins' xUnit plugin refuses what its junit-10.xsd does not have: `skipped` of the whole, `file` of a case.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as Xml

from ivr.replay.compare import heard_words
from ivr.replay.fixture import FILE
from ivr.replay.result import Replayed

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (§2.2) does not have."""


def write_junit(path: Path, results: Sequence[Replayed]) -> None:
    """Write the file. Raises OSError."""
    Xml.ElementTree(junit(results)).write(path, encoding="utf-8", xml_declaration=True)


def junit(results: Sequence[Replayed]) -> Xml.Element:
    """`testsuites` with the results; times are processor seconds."""
    root = Xml.Element("testsuites", _counts(results), name="ivr replay")
    for suite, cases in groupby(results, key=lambda each: str(Path(each.folder).parent)):
        cases = list(cases)
        element = Xml.SubElement(root, "testsuite", _counts(cases), skipped="0", name=suite)
        for case in cases:
            element.append(_case(suite, case))
    return root


def _counts(results: Sequence[Replayed]) -> dict[str, str]:
    return {
        "tests": str(len(results)), "failures": str(sum(not each.passed for each in results)),
        "errors": "0", "time": f"{sum(each.took_s for each in results):.3f}",
    }


def _case(suite: str, result: Replayed) -> Xml.Element:
    place = suite.strip("/.").replace("/", ".") or "replay"
    case = Xml.Element("testcase", classname=place, name=result.name, time=f"{result.took_s:.3f}")
    if not result.passed:
        text = _clean("\n".join(map(str, result.mismatches)))
        Xml.SubElement(case, "failure", type="mismatch", message=text.splitlines()[0]).text = text
    Xml.SubElement(case, "system-out").text = _clean(
        "\n".join([str(Path(result.folder) / FILE), result.about, *_told(result)]))
    return case


def _told(result: Replayed):
    """What was said and heard, a line each."""
    for event in result.events:
        if event.kind == "said":
            yield f"{event.ms / 1000:7.2f} s  to {event.side}: {event.details['text']} [{event.details['prompt']}]"
        elif event.kind == "heard":
            yield f"{event.ms / 1000:7.2f} s  {event.side} heard: {heard_words(event)}"
    yield f"outcome {result.outcome}"


def _clean(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
