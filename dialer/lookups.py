"""What the vault answers: a match, with the same work done whether there is one or not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from dialer.audit import AuditLog
from dialer.errors import LookupRefused
from dialer.limits import Budget, Tokens
from dialer.register import Register
from dialer.vault_config import VaultConfig
from plate_parser import rules
from plate_parser.match import Decision, decide
from plate_parser.variants import likely_variants

_CASE = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_MOST_HEARD = 400
_LONGEST_PLATE = 12


class Lookups:
    """Matches what was heard against the register, within budget, audited."""

    def __init__(
        self, config: VaultConfig, register: Register, audit: AuditLog, clock: Callable[[], float]
    ) -> None:
        self.register = register
        self.tokens = Tokens(config.token_life_s, clock)
        self._config, self._audit = config, audit
        self._budget = Budget(config.rounds_per_case, config.lookups_per_hour, clock)

    def match(self, case: object, heard: object) -> dict[str, object]:
        """The fields of a `dialer.client.Match`.

        Raises:
            LookupRefused: the request is malformed or over budget.
        """
        case_id, readings = _checked(case, heard)
        most = self._config.variants_per_round
        try:
            self._budget.spend(case_id, most)
        except LookupRefused as refused:
            self._audit.append("refused", case=case_id, why=refused.kind)
            raise
        variants = likely_variants(readings, most)
        places = self._places([plate for plate, _ in variants], most)
        decision = decide(variants, places.keys(), self._config.thresholds)
        mark = self._audit.plate_mark(decision.plate or "") if decision.plate else ""
        self._audit.append("match", case=case_id, result=decision.kind, plate=mark, variants=len(variants))
        return self._answer(case_id, decision, places)

    def _places(self, plates: list[str], most: int) -> dict[str, int]:
        """Plate → place, of those registered and dialable. Always `most` searches."""
        padded = plates + [f"-{n}" for n in range(most - len(plates))]
        found = {plate: self.register.find(plate) for plate in padded}
        return {p: at for p, at in found.items() if at is not None and rules.dialable(p)}

    def _answer(self, case: str, decision: Decision, places: dict[str, int]) -> dict[str, object]:
        """One record is decrypted and tokens are made on a miss too, and thrown away."""
        hit = decision.kind == "match"
        at = places[decision.plate] if hit else 0
        owner = self.register.owner(at) if self.register.count else None
        tokens = self.tokens.issue(case, owner) if owner else ()
        if not hit:
            for token in tokens:
                self.tokens.take(token)
        return {
            "kind": decision.kind,
            "plate": decision.plate,
            "probability": decision.probability,
            "alternatives": decision.alternatives,
            "token": tokens[0] if hit else None,
            "more_tokens": tokens[1:] if hit else (),
            "tail": owner.numbers[0].tail(self._config.tail_digits) if hit else "",
            "address": owner.address if hit else "",
            "language": owner.language if hit else "",
        }


def _checked(case: object, heard: object) -> tuple[str, Sequence[tuple[str, float]]]:
    if not isinstance(case, str) or not _CASE.fullmatch(case):
        raise LookupRefused("request", "a case is named by up to 64 letters, digits, dots and dashes")
    if not isinstance(heard, list) or len(heard) > _MOST_HEARD:
        raise LookupRefused("request", f"what was heard is a list of at most {_MOST_HEARD} readings")
    try:
        readings = [(str(plate), float(probability)) for plate, probability in heard]
    except (TypeError, ValueError):
        raise LookupRefused("request", "each reading is a plate and a probability") from None
    if any(len(plate) > _LONGEST_PLATE or not 0 <= p <= 1 for plate, p in readings):
        raise LookupRefused("request", "a reading has up to 12 characters and a probability 0 to 1")
    return case, readings
