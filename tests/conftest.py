"""A PostgreSQL for the tests that need one. They are left out only where it is not installed."""

import pytest
from postgres import PrivatePostgres, programs


@pytest.fixture(scope="session")
def postgres():
    """A running server of this session's own."""
    if (found := programs()) is None:
        pytest.skip("PostgreSQL is not installed: make setup")
    server = PrivatePostgres(found)
    server.start()
    yield server
    server.remove()
