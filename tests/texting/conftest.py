"""One gateway program for all tests of a module."""

import pytest_asyncio
from gateway_program import gateway_program


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program():
    async with gateway_program() as running:
        yield running
