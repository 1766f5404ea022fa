"""A register whose plates may be read, such as a car park's: its list is searched, and only the plate that it gives
is looked up in the vault, which alone has the owners' numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from dialer.vault.client import Match, Vault
from plate_parser.match import Thresholds
from plate_parser.open_list import OpenList

_SURE = 1.0


class OpenRegister:
    """`match` as the vault's, over the list's plates; thresholds are those of a sealed register."""

    def __init__(self, listed: OpenList, thresholds: Thresholds = Thresholds()) -> None:
        self._listed, self._thresholds = listed, thresholds

    async def match(self, vault: Vault, case: str, heard: Sequence[tuple[str, float]], *, caller: str | None = None,
                    denied: Collection[str] = ()) -> Match:
        """What was heard, matched; beside the loop, for a long list takes some tens of ms.

        A plate of the list whose owner the vault does not have ends as "none".

        Raises:
            VaultUnavailable: the vault gives no answer, or refuses.
        """
        likely = [(plate, share) for plate, share in heard if plate not in denied]
        decision = await asyncio.to_thread(self._listed.match, likely, self._thresholds, denied)
        if decision.kind == "match":
            known = await vault.match(case, [(decision.plate, _SURE)], caller=caller, denied=denied)
            if known.plate == decision.plate:
                return known
            return Match("none", None, 1.0)
        return Match(decision.kind, None, decision.probability, tuple(decision.alternatives), held=decision.held)
