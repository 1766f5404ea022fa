"""What tests share: the longest files go first, and a PostgreSQL is there for those that need one."""

import pytest
from postgres import PrivatePostgres, programs

WHOLE_CALLS = (
    "hotline/test_endings.py", "hotline/test_record.py", "hotline/test_owner_wishes.py", "hotline/test_word_later.py",
    "hotline/test_adopt.py", "hotline/test_demo.py", "hotline/test_owner_queue.py", "hotline/test_two_engines.py",
    "hotline/test_database_lost.py", "hotline/test_edited_while_calling.py", "dialer/test_privacy.py",
)
"""Files of calls that are spoken from end to end, as long as calls are: `make test` has them, `make quick` does not."""
LONGEST = (*WHOLE_CALLS[:3], "replay/test_conversations.py", *WHOLE_CALLS[3:], "hotline/test_calls.py",
           "hotline/test_bench_turns.py", "hotline/test_moved_and_set_clocks.py", "dialer/test_engines.py")
"""One of these that a worker begins last would leave the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest files first, the rest as they stand; with `--no-loadscope-reorder` workers take them so."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    names = {item: "/".join(item.path.parts[-2:]) for item in items}
    for item in items:
        if names[item] in WHOLE_CALLS:
            item.add_marker(pytest.mark.whole_calls)
    items.sort(key=lambda item: ranks.get(names[item], len(ranks)))


@pytest.fixture(scope="session")
def postgres():
    """A running server of this session's own."""
    if (found := programs()) is None:
        pytest.skip("PostgreSQL is not installed: make setup")
    server = PrivatePostgres(found)
    server.start()
    yield server
    server.remove()
