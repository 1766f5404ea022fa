"""The whole desk over real SIP on loopback: engine, vault, recognizer and phones as processes."""

import sys
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.append(str(Path(__file__).resolve().parents[1] / "sip"))  # SIPp's scenario steps

from house import House
from voices import Words, speak_all


@pytest.fixture(scope="session")
def words(tmp_path_factory) -> Words:
    return speak_all(tmp_path_factory.mktemp("words"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(words, tmp_path_factory):
    """A running engine; the tests of a module share it."""
    async with House(tmp_path_factory.mktemp("house"), words) as house:
        yield house
