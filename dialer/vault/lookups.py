"""What the vault answers: a match, with the same work done whether there is one or not."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence

from dialer.errors import LookupRefused
from dialer.register.opened import Register
from dialer.register.owner import Owner
from dialer.vault.alarms import Alarms
from dialer.vault.audit import AuditLog
from dialer.vault.config import VaultConfig
from dialer.vault.limits import DAY_S, WITHHELD, Budget, Tokens, Window
from dialer.vault.tickets import OwnerTicket, TicketOffice
from plate_parser import rules
from plate_parser.match import Decision, decide
from plate_parser.variants import likely_variants

log = logging.getLogger(__name__)
_CASE = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_MOST_HEARD = 400
_LONGEST_PLATE = 12
_NUMBER = 11                       # digits of a mobile number; what stands before them is a country or a prefix
_MOST_CALLER = 64
_UNKNOWN = re.compile(r"[?*？＊]")
_MOST_UNKNOWN = 8
_MOST_DENIED = 20


class Lookups:
    """Matches what was heard against the register, within budget, audited."""

    def __init__(
        self, config: VaultConfig, register: Register, audit: AuditLog, clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.register = register
        self.tokens = Tokens(config.token_life_s, clock)
        self._config, self._audit = config, audit
        self._budget = Budget(config.rounds_per_case, config.rounds_per_caller, config.lookups_per_hour, clock)
        self._alarms = Alarms(clock, config.patterns)
        self._tickets = TicketOffice(config.ticket_key, config.ticket_life_s, wall)
        self._renewals, self._clock = Window(DAY_S), clock
        self._remember()

    def match(self, case: object, heard: object, caller: object = None, denied: object = None) -> dict[str, object]:
        """The fields of a `dialer.vault.client.Match`. `denied`: plates that the caller said are wrong.

        Raises:
            LookupRefused: the request is malformed or over budget.
        """
        case_id, readings = _checked(case, heard)
        wrong = _checked_denied(denied)
        who = self._caller(caller)
        most = self._config.variants_per_round
        try:
            self._budget.spend(case_id, who, most)
        except LookupRefused as refused:
            self.note_refusal(refused.kind, case_id, who)
            raise
        variants = [(plate, p) for plate, p in likely_variants(readings, most) if plate not in wrong]
        places = self._places([plate for plate, _ in variants], most)
        decision = decide(variants, places.keys(), self._config.thresholds)
        mark = self._audit.plate_mark(decision.plate or "-")
        self._audit.append(
            "match", case=case_id, caller=who, result=decision.kind, plate=mark if decision.plate else "",
            variants=len(variants), lookups=most,
        )
        self._raise_alarms(self._alarms.in_order(readings))
        self._raise_alarms(self._alarms.matched(case_id, decision.kind, who, mark if decision.plate else ""))
        return self._answer(case_id, decision, places)

    def renew(self, ticket: object) -> dict[str, object]:
        """Fresh tokens for a ticket, for a later attempt; the numbers are those that the register has now.

        Raises:
            LookupRefused: the ticket is foreign or too old, its renewals are spent, or the owner is gone.
        """
        found = self.open_ticket(ticket)
        plate = self._audit.plate_mark(found.plate)
        at = self.register.find_all([found.plate])[0]
        self._audit.append("renewed", case=found.case, plate=plate, found=at is not None)
        if at is None:
            raise LookupRefused("gone", "the owner is no longer in the register: match the plate again")
        owner = self.register.owner(at)
        return self._of_owner(found.case, found.plate, owner, self.tokens.issue(found.case, owner))

    def owner_of(self, ticket: object) -> tuple[OwnerTicket, Owner]:
        """Whose car a ticket is about, for a text, which has a budget of its own.

        Raises:
            LookupRefused: the ticket is foreign or too old, or the owner is gone.
        """
        found = self._tickets.open(ticket)
        at = self.register.find_all([found.plate])[0]
        if at is None:
            raise LookupRefused("gone", "the owner is no longer in the register: match the plate again")
        return found, self.register.owner(at)

    def owner_mark(self, owner: Owner) -> str:
        """The owner, for budgets that outlive a change of the register's keys."""
        return self._tickets.owner_mark(owner)

    def open_ticket(self, ticket: object) -> OwnerTicket:
        """A ticket's plate and case, within the budget that a case has for its ticket."""
        found = self._tickets.open(ticket)
        now = self._clock()
        if self._renewals.total(now, found.case) >= self._config.renewals_per_case:
            self.note_refusal("renewals", found.case)
            raise LookupRefused("renewals", "this case's renewals are spent: hand it to a person")
        self._renewals.add(now, found.case)
        return found

    def note_refusal(self, why: str, case: str = "", caller: str | None = None) -> None:
        """Put into the audit that something was refused, and warn where that happens too often."""
        self._audit.append("refused", case=case, caller=caller, why=why)
        self._raise_alarms(self._alarms.refused())

    def _remember(self) -> None:
        """Budgets and alarms go on where a vault before this one ended."""
        for entry in self._audit.since("match", DAY_S):
            who, age_s = entry.get("caller"), entry["age_s"]
            self._budget.restore(age_s, entry["case"], who, entry.get("lookups", self._config.variants_per_round))
            self._alarms.matched(entry["case"], entry["result"], who, entry["plate"], age_s)
        for entry in self._audit.since("renewed", DAY_S):
            self._renewals.add(self._clock() - entry["age_s"], entry["case"])
        for entry in self._audit.since("refused", DAY_S):
            self._alarms.refused(entry["age_s"])

    def _caller(self, caller: object) -> str | None:
        """The caller's mark: their number is neither kept nor written."""
        if caller is None:
            return None
        if not isinstance(caller, str) or len(caller) > _MOST_CALLER:
            raise LookupRefused("request", f"a caller is named by up to {_MOST_CALLER} characters")
        named = _one_spelling(caller)
        return self._audit.caller_mark(named) if named else WITHHELD

    def _raise_alarms(self, alarms: Sequence[str]) -> None:
        for why in alarms:
            self._audit.append("alarm", why=why)
            log.warning("alarm: %s: docs/register.md says what it can mean", why)

    def _places(self, plates: list[str], most: int) -> dict[str, int]:
        """Plate → place, of those registered and dialable. Always `most` searches."""
        padded = plates + [f"-{n}" for n in range(most - len(plates))]
        may_dial = [rules.dialable(plate) for plate in padded]
        places = zip(padded, self.register.find_all(padded), may_dial)
        return {plate: at for plate, at, dial in places if at is not None and dial}

    def _answer(self, case: str, decision: Decision, places: dict[str, int]) -> dict[str, object]:
        """On a miss a record is decrypted and tokens are made too, and thrown away: any record, so that
        none is the only one that is always at hand."""
        hit = decision.kind == "match"
        anywhere = secrets.randbelow(max(1, self.register.count))
        at = places[decision.plate] if hit else anywhere
        owner = self.register.owner(at) if self.register.count else None
        tokens = self.tokens.issue(case, owner) if owner else ()
        if not hit:
            for token in tokens:
                self.tokens.take(token)
        about = self._of_owner(case, owner.plate, owner, tokens) if owner else {}
        return {
            **(about if hit else _NOBODY),
            "kind": decision.kind,
            "plate": decision.plate,
            "probability": decision.probability,
            "alternatives": decision.alternatives,
            "held": decision.held,
        }

    def _of_owner(self, case: str, plate: str, owner: Owner, tokens: Sequence[str]) -> dict[str, object]:
        """What the engine gets of an owner: to dial with, to keep, and to tell cars and owners apart."""
        return {
            "token": tokens[0],
            "more_tokens": tokens[1:],
            "tail": owner.numbers[0].tail(self._config.tail_digits),
            "address": owner.address,
            "language": owner.language,
            "ticket": self._tickets.seal(case, plate),
            "car": self._tickets.car_mark(plate),
            "owner": self._tickets.owner_mark(owner),
        }


_NOBODY = {
    "token": None, "more_tokens": (), "tail": "", "address": "", "language": "", "ticket": "", "car": "", "owner": "",
}  # fmt: skip


def _checked_denied(denied: object) -> frozenset[str]:
    if denied is None:
        return frozenset()
    if not isinstance(denied, list) or len(denied) > _MOST_DENIED or not all(isinstance(p, str) for p in denied):
        raise LookupRefused("request", f"what was denied is a list of at most {_MOST_DENIED} plates")
    return frozenset(map(rules.normalize, denied))


def _checked(case: object, heard: object) -> tuple[str, Sequence[tuple[str, float]]]:
    if not isinstance(case, str) or not _CASE.fullmatch(case):
        raise LookupRefused("request", "a case is named by up to 64 letters, digits, dots and dashes")
    if not isinstance(heard, list) or len(heard) > _MOST_HEARD:
        raise LookupRefused("request", f"what was heard is a list of at most {_MOST_HEARD} readings")
    try:
        readings = [(str(plate), float(probability)) for plate, probability in heard]
    except (TypeError, ValueError, OverflowError):
        raise LookupRefused("request", "each reading is a plate and a probability") from None
    if any(len(plate) > _LONGEST_PLATE or not 0 <= p <= 1 for plate, p in readings):
        raise LookupRefused("request", "a reading has up to 12 characters and a probability 0 to 1")
    if sum(bool(_UNKNOWN.search(plate)) for plate, _ in readings) > _MOST_UNKNOWN:
        raise LookupRefused("request", f"at most {_MOST_UNKNOWN} readings may have places that were not heard")
    return case, readings


def _one_spelling(caller: str) -> str:
    """A number as one caller's, with and without +86, 00 and blanks; whoever has none, as they are named."""
    digits = re.sub(r"[\s+().-]", "", caller)
    return digits[-_NUMBER:] if digits.isdecimal() else caller.strip().lower()
