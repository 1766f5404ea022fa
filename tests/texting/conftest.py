"""One gateway program for all tests of a module."""

import sys
from pathlib import Path

import pytest_asyncio

sys.path.append(str(Path(__file__).resolve().parents[1] / "hotline"))

from gateway_program import gateway_program


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program():
    async with gateway_program() as running:
        yield running
