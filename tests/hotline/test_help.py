"""Every command of `ivr` explains itself: what it does, its options, and an example that can be followed."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hotline.cli import ivr

ROOT = Path(__file__).resolve().parents[2]


def commands(command: click.Command = ivr, path: tuple[str, ...] = ()):
    """Every group and command, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name) if name else path)


EVERY = {" ".join(path): path for path, _ in commands()}


def help_of(path: tuple[str, ...]) -> str:
    told = CliRunner().invoke(ivr, [*path, "--help"])
    assert told.exit_code == 0, told.output
    return told.output


def examples(told: str) -> list[list[str]]:
    """The words of each example's `ivr` command."""
    after = re.split(r"Examples?:", told, maxsplit=1)[1].partition("Options:")[0]
    lines = [line[line.index("ivr "):] for line in after.splitlines() if re.search(r"(^|[\s|])ivr ", line)]
    return [shlex.split(re.split(r"   |[|>]", line)[0]) for line in lines]


@pytest.mark.parametrize("path", EVERY.values(), ids=EVERY.keys())
def test_a_command_tells_what_it_does_and_gives_an_example(path):
    told = help_of(path)
    about = told.split("\n\n")[1].strip()
    assert about and not about.startswith("Options") and "Example" in told
    assert any(words[1:1 + len(path)] == list(path) for words in examples(told)), told


@pytest.mark.parametrize("path", EVERY.values(), ids=EVERY.keys())
def test_what_an_example_names_exists(path):
    for words in examples(help_of(path)):
        command, rest = ivr, words[1:]
        while isinstance(command, click.Group) and rest and rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        command = command.commands.get("", command) if isinstance(command, click.Group) else command
        known = {name for param in command.params for name in param.opts}
        assert {word for word in rest if word.startswith("-") and word != "-"} <= known, words
        for word in rest:
            if word.startswith(("flows/", "tests/", "docs/")) and rest[rest.index(word) - 1] not in ("-o", "--out", "--to"):
                assert list(ROOT.glob(word)), f"{word} of `{' '.join(words)}` does not exist"


def test_every_option_is_explained():
    bare = [f"ivr {' '.join(path)} {param.opts[0]}" for path, command in commands() for param in command.params
            if isinstance(param, click.Option) and not param.help]
    assert not bare
