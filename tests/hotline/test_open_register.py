"""A car park's list is searched for what was heard, and the vault still has the only numbers."""

import pytest
import pytest_asyncio

from dialer.vault.supervise import VaultProcess
from hotline.config import load_config
from hotline.demo.made_up_vault import make_vault
from hotline.desk.open_register import OpenRegister
from hotline.errors import CannotRun
from plate_parser.open_list import OpenList

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN, NOT_SEALED, ALIKE = "赣KD56789", "赣K90909", ("粤B77701", "粤B77707")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def match(tmp_path_factory):
    folder = tmp_path_factory.mktemp("park")
    config, _ = make_vault(folder / "vault", 9, pinned={OWN: "00010000001", **dict.fromkeys(ALIKE, "00010000002")})
    park = OpenRegister(OpenList([OWN, NOT_SEALED, *ALIKE]))
    async with VaultProcess(config, folder / "vault.sock") as vault:
        async def ask(case, *heard, denied=()):
            return await park.match(vault, case, heard, denied=denied)
        yield ask


async def test_a_plate_misheard_as_no_table_has_it_is_asked_about_and_its_owner_can_be_called(match):
    asked = await match("c1", ("赣KDX6789", 0.9))
    assert asked.kind == "ask" and asked.alternatives[0] == OWN and not asked.token
    found = await match("c1", (OWN, 0.9))
    assert (found.kind, found.plate) == ("match", OWN) and found.token and found.car


async def test_a_plate_far_from_all_of_the_list_is_none_though_the_vault_has_it(match):
    assert (await match("c2", ("赣A12345", 0.9))).kind == "none"


async def test_a_plate_of_the_list_whose_owner_is_not_sealed_calls_nobody(match):
    found = await match("c3", (NOT_SEALED, 0.95))
    assert (found.kind, found.token) == ("none", None)


async def test_between_two_of_the_list_the_caller_chooses_and_what_was_denied_does_not_come_back(match):
    asked = await match("c4", (ALIKE[0], 0.45), (ALIKE[1], 0.45))
    assert asked.kind == "ask" and set(asked.alternatives) == set(ALIKE) and not asked.token
    found = await match("c4", (ALIKE[0], 0.45), (ALIKE[1], 0.45), denied=(ALIKE[0],))
    assert found.plate == ALIKE[1]


async def test_the_engine_takes_the_list_from_its_settings_and_says_which_line_is_no_plate(tmp_path):
    settings = tmp_path / "ivr.toml"
    settings.write_text('[register]\nopen_list = "residents.csv"\n')
    (tmp_path / "residents.csv").write_text(f"plate,flat\n{OWN},3-201\n", "utf-8")
    assert load_config(settings).open_register is not None
    (tmp_path / "residents.csv").write_text(f"{OWN}\nhello\n", "utf-8")
    with pytest.raises(CannotRun, match="line 2 is no plate"):
        _ = load_config(settings).open_register
