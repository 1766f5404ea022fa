"""The texts of `texts.yaml`, beside the flows: who gets one, what it says, how old it may become."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr.flow.source import Item, nearest
from ivr.flow.yaml_file import read_yaml

TEXTS_FILE = "texts.yaml"
PLACES = ("plate", "minutes")
SAMPLE = {"plate": "赣KD12345", "minutes": "120"}
"""As long as values become."""
ONE_SEGMENT, JOINED_SEGMENT = 70, 67
"""UCS-2 characters of a text of one segment, and of each of several (3GPP TS 23.040 §9.2.3.24.1)."""
MOST_SEGMENTS = 2
LONGEST_MINUTES = 1440


@dataclass(frozen=True)
class TextTemplate:
    """`to`: `owner` or `caller`. `minutes`: a text that is older is not sent."""

    name: str
    to: str
    minutes: int
    text: str

    def filled(self, values: Mapping[str, str]) -> str:
        """The text itself. Raises KeyError where a value is missing or empty."""
        used = {name: values[name] for name in self.places}
        if not all(used.values()):
            raise KeyError(self.name)
        return self.text.format_map(used)

    @property
    def places(self) -> list[str]:
        return [name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None]

    @property
    def longest(self) -> str:
        """With values as long as they become."""
        return self.text.format_map(SAMPLE)


def load_texts(path: Path) -> dict[str, TextTemplate]:
    """The templates by name; none where there is no file. Raises `FlowError` with the line."""
    if not path.exists():
        return {}
    return {name: _template(name, item) for name, item in read_yaml(path).fields().items()}


def segments(text: str) -> int:
    """How many segments a network makes of a text that is not plain ASCII."""
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= ONE_SEGMENT else -(-length // JOINED_SEGMENT)


def _template(name: str, item: Item) -> TextTemplate:
    fields = item.fields(("to", "minutes", "text"))
    for key in ("to", "minutes", "text"):
        if key not in fields:
            raise item.error(f"text '{name}' has no '{key}'; write {{to: caller, minutes: 60, text: …}}")
    template = TextTemplate(name, fields["to"].text(), fields["minutes"].count(LONGEST_MINUTES), fields["text"].text())
    if template.to not in ("owner", "caller"):
        raise fields["to"].error(f"a text goes to owner or caller, not to '{template.to}'")
    try:
        places = template.places
    except ValueError:
        raise fields["text"].error("a brace is not closed; write {plate}") from None
    for place in places:
        if place not in PLACES:
            raise fields["text"].error(f"'{{{place}}}' is no value of a text{nearest(place, PLACES)}")
    if segments(template.longest) > MOST_SEGMENTS:
        raise fields["text"].error(f"the text has {len(template.longest)} characters with its values, over "
                                   f"{MOST_SEGMENTS} segments: make it {MOST_SEGMENTS * JOINED_SEGMENT} at most")
    return template
