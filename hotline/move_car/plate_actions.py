"""Finding the plate: match what was heard or keyed, take a denial or a correction, confirm."""

from collections.abc import Sequence

from asr.recognizer import Result
from dialer.vault.client import Match, VaultUnavailable
from hotline.cases.casebook import OpenCase
from hotline.desk.desk import Desk
from hotline.move_car.read_back import (
    MOST_PLATES,
    MOST_SAID,
    SURE_CHOICE,
    SURE_OTHERWISE,
    begun_head,
    by_key,
    close_pair,
    continued_plates,
    corrected_plates,
    differing_place,
    first_of_two,
    plate_to_read,
    second_best,
    special_plate,
    whole_plates,
)
from ivr.flow.actions import action
from ivr.flow.conversation import Conversation
from plate_parser.amend import beyond
from plate_parser.evidence import combined
from plate_parser.keyed import Keyed, WrongKeys, pressed
from plate_parser.rules import data, dialable

LONGEST_CALLER = 64
"""Characters of the caller's number that the vault takes for the caller's budget."""
ROUNDS = 3
"""So many denials or corrections in a call, wherever they are said, and a person takes over."""
KEYED_SHARE = 0.97
"""Probability that the keys were meant as they were pressed."""
_READ = {"symbols": "symbols", "symbols2": "symbols", "place": "place"}
_REGIONS = tuple(sorted({f"region_{code[0]}" for code in data("keys")["province"]}))


class PlateActions:
    """The actions of one caller's conversation that find the plate. `match`: the register's last word."""

    def __init__(self, desk: Desk, case: OpenCase):
        self.match: Match | None = None
        self._desk, self._case = desk, case
        self._heard: list[tuple[str, float]] = []
        self._said: list[list[tuple[str, float]]] = []     # each time that a whole plate was said
        self._denied = ""
        self._rejected: set[str] = set()
        self._pair = ("", "")
        self._first = 0.5                                   # that the first of the pair is meant, before any answer
        self._answers: list[tuple[float, float]] = []
        self._neither = False
        self._round_counted = False                         # a denial that led to the question of one of two
        self._keyed = Keyed()
        self._rounds = 0

    @action("match", "ask", "which", "none", "begun", "no_such_place", "special", "unclear", "failed",
            sets={"plate": "plate", **_READ})
    async def match_plate(self, conversation: Conversation) -> str:
        """Weigh what was heard against the register; sets `plate` to what should be read back.

        `which`: two plates that differ in one place are close; `begun`: only 赣K … was heard;
        `no_such_place`: a correction speaks of a place that the plate does not have; `special`: a plate (赣K1234挂)
        of a class whose owners the bot does not ring.
        """
        result = conversation.heard.result
        if plate := special_plate(result):
            self._case.set_plate(plate)
            conversation.log("special_plate", plate=plate)
            return "special"
        if self._denied and result.hypotheses and beyond(result.hypotheses[0].value, self._denied):
            return "no_such_place"
        plates = self._plates_meant(result)
        if plates:
            return await self._weighed(conversation, plates, last=bool(self._denied) or len(self._said) >= MOST_SAID)
        if not self._denied and (head := begun_head(result, self._province)):
            self._keyed = Keyed(head)
            conversation.values["symbols"] = head
            return "begun"
        return "unclear"

    @action("match", "ask", "none", "which", "done", "no_such_place", "special", "enough", "same", "failed",
            sets={"plate": "plate", **_READ})
    async def correct_plate(self, conversation: Conversation) -> str:
        """What was said is what is wrong with the plate that was read back, or the whole plate again.

        `same`: it is the plate that was read back; `done`: what was meant is still to be asked.
        """
        read = conversation.values["plate"]
        if conversation.heard.best.value == read:
            return "same"
        if not self._deny(read):
            return "enough"
        return await self._corrected(conversation)

    @action("close", "which", "done", "enough", sets={"plate": "plate", **_READ})
    async def reject_plate(self, conversation: Conversation) -> str:
        """The caller said that the plate read back is wrong: it is not offered again.

        `close`: another was nearly as likely and is the next to read back, or, for `which`, the one
        place is asked for in which it differs; `enough`: three rounds were no help; else `done`.
        """
        denied = conversation.values["plate"]
        if not self._deny(denied):
            return "enough"
        second = second_best(self._heard, self._rejected)
        if not second:
            return "done"
        conversation.values["plate"] = second
        if not self._ask_which(conversation, denied, second):
            return "close"
        self._round_counted = True
        return "which"

    @action("done", "enough", "nothing")
    async def deny_again(self, conversation: Conversation) -> str:
        """不对 and no more, where what is right was asked for; `nothing`: no plate was denied so far."""
        if not self._denied:
            return "nothing"
        return "done" if self._another_round() else "enough"

    @action("done", "enough")
    async def take_plate_back(self, conversation: Conversation) -> str:
        """The caller takes back what they had said was right: the plate is denied, and what follows is said anew."""
        self.match, self._said = None, []
        self._case.set_plate("")
        conversation.log("plate_taken_back", plate=conversation.values["plate"])
        return "done" if self._deny(conversation.values["plate"]) else "enough"

    @action("chosen", "match", "ask", "none", "which", "done", "no_such_place", "special", "enough", "failed",
            sets={"plate": "plate", **_READ})
    async def take_which(self, conversation: Conversation) -> str:
        """One of two characters was chosen, by voice or as a key, or what was said instead is right.

        Whoever says neither, twice, has denied both plates; what they name instead is looked up as a correction is.
        """
        plate, said = self._one_of_two(conversation), conversation.heard.best.value if conversation.heard.best else ""
        if plate:
            self._denied = self._denied or self._pair[0]
            self._rejected |= set(self._pair) - {plate}
            if plate in self._rejected:
                return "done"
            conversation.values["plate"] = plate
            return "chosen"
        if not said or self._doubtful(conversation):
            return "which"
        if (said == "no" or not self._round_counted) and not self._another_round():
            return "enough"
        if said == "no" and not self._neither:        # a character misheard as 不 would cost both plates
            self._neither = self._round_counted = True
            return "which"
        pair, self._rejected = self._pair, self._rejected | set(self._pair)
        self._is_wrong(pair[0])
        kind, _, symbol = said.partition(":")
        if kind == "here":
            place = int(conversation.values["place"]) - 1
            plate = pair[0][:place] + symbol + pair[0][place + 1:]
            return await self._weighed(conversation, [(plate, 1.0)], last=True) if dialable(plate) else "done"
        return await self._corrected(conversation)

    @action("match", "ask", "which", "none", "failed", "province", "wrong_province", *_REGIONS, "letter",
            "wrong_letter", "serial", "wrong_serial", sets={"plate": "plate", **_READ})
    async def take_keys(self, conversation: Conversation) -> str:
        """Keys of a plate, after what was said or keyed of it before; the branch is what is still wanted."""
        heard = conversation.heard
        if heard.result and (head := begun_head(heard.result)):
            self._keyed = Keyed(head)
        try:
            self._keyed = pressed(self._keyed, heard.key)
        except WrongKeys as wrong:
            self._keyed = wrong.so_far
            conversation.signals.append("wrong_key")
            conversation.log("wrong_keys", what=str(wrong))
            return f"wrong_{self._keyed.wants}"
        conversation.values["symbols"] = self._keyed.head
        conversation.log("keyed", head=self._keyed.head, wants=self._keyed.wants)
        match self._keyed.wants:
            case "region":
                return f"region_{self._keyed.pending}"
            case "letter" if self._keyed.pending:
                self._keyed = Keyed(self._keyed.head)
                return "wrong_letter"
            case "serial" if self._keyed.serial:
                return await self._keyed_whole(conversation)
        return self._keyed.wants

    @action("found", "not_found", "failed")
    async def confirm_plate(self, conversation: Conversation) -> str:
        """The caller said that the plate is right: what was doubtful is now looked up as sure."""
        plate = conversation.values["plate"]
        self._case.set_plate(plate)
        if self.match is None or self.match.plate != plate:
            self.match = await self._weigh(conversation, [(plate, 1.0)])
        if self.match is None:
            return "failed"
        return "found" if self.match.token and self.match.plate == plate else "not_found"

    async def _corrected(self, conversation: Conversation) -> str:
        """The branch for a plate that was denied in the same breath with what was said of it."""
        branch = await self.match_plate(conversation)
        return "done" if branch in ("unclear", "begun") else branch

    async def _keyed_whole(self, conversation: Conversation) -> str:
        plates = [(plate, share * KEYED_SHARE) for plate, share in self._keyed.plates()
                  if plate not in self._rejected]
        self._keyed = Keyed(self._keyed.head)
        if not plates:
            conversation.signals.append("wrong_key")
            return "wrong_serial"
        return await self._weighed(conversation, plates, last=True)

    async def _weighed(self, conversation: Conversation, heard: Sequence[tuple[str, float]], last: bool) -> str:
        self._heard = list(heard)
        match = self.match = await self._weigh(conversation, self._heard)
        if match is None:
            self._case.set_plate(self._heard[0][0])        # for whoever takes the call
            return "failed"
        plate = plate_to_read(match, self._heard, self._rejected, last=last)
        conversation.log("matched", how=match.kind, plate=plate, probability=match.probability)
        pair = close_pair(match, self._rejected)
        if pair and self._ask_which(conversation, *pair, match.probability):
            conversation.values["plate"] = plate or pair[0]
            return "which"
        if not plate:              # rather said again than somebody else's read back
            return "unclear"
        conversation.values["plate"] = plate
        return match.kind

    def _plates_meant(self, result: Result) -> list[tuple[str, float]]:
        """A whole plate with all that was said before, or what a change makes of the plate that was denied,
        or a plate's rest."""
        whole = whole_plates(result, ())
        if self._denied and not (whole and result.hypotheses[0].value == whole[0][0]):
            return corrected_plates(result, self._denied, self._heard, self._rejected)
        said_whole = bool(whole) and dialable(result.hypotheses[0].value)
        if not said_whole and (rest := continued_plates(result, self._keyed.head, self._rejected)):
            return rest
        if not whole:
            return []
        self._said.append(whole)
        return combined(self._said, self._rejected)[:MOST_PLATES]

    async def _weigh(self, conversation: Conversation, heard: list[tuple[str, float]]) -> Match | None:
        """What the vault makes of it; None where the vault gives no answer."""
        try:
            caller = conversation.call.remote[:LONGEST_CALLER]
            if self._desk.open_register:
                return await self._desk.open_register.match(
                    self._desk.vault, self._case.id, heard, caller=caller, denied=self._rejected)
            return await self._desk.vault.match(self._case.id, heard, caller=caller, denied=self._rejected)
        except VaultUnavailable as error:
            conversation.log("vault_unavailable", error=str(error))
            return None

    @property
    def _province(self) -> str:
        """What was keyed or said, where it was no more."""
        return self._keyed.head if len(self._keyed.head) == 1 else ""

    def _deny(self, plate: str) -> bool:
        """Note that a plate is wrong; False after too many rounds."""
        self._is_wrong(plate)
        return self._another_round()

    def _is_wrong(self, plate: str) -> None:
        self._denied, self._keyed = plate, Keyed()
        self._rejected.add(plate)

    def _another_round(self) -> bool:
        """Count a denial; False where it was one too many."""
        self._rounds += 1
        return self._rounds < ROUNDS

    def _one_of_two(self, conversation: Conversation) -> str:
        """Which of the pair was keyed, or answered surely enough with all answers so far; "" for neither yet."""
        heard, symbols = conversation.heard, (conversation.values["symbols"], conversation.values["symbols2"])
        if heard.kind == "key":
            keys = dict(zip(("1", "2", *symbols), self._pair * 2, strict=True))
            return keys.get(heard.key, "")
        meant = dict(zip((*symbols, *self._pair), (0, 1) * 2, strict=True))
        if heard.best.value not in meant:
            return ""
        if heard.best.probability is None:
            return self._pair[meant[heard.best.value]]
        shares = [0.0, 0.0]
        for hypothesis in heard.result.hypotheses:
            if hypothesis.value in meant:
                shares[meant[hypothesis.value]] += hypothesis.probability
        self._answers.append((shares[0], shares[1]))
        first = first_of_two(self._first, self._answers)
        return self._pair[first < 0.5] if max(first, 1 - first) >= SURE_CHOICE else ""

    def _doubtful(self, conversation: Conversation) -> bool:
        """Whether what was answered is one of the two after all, or too unsure to give both up for."""
        best = conversation.heard.best
        of_two = best.value in (conversation.values["symbols"], conversation.values["symbols2"], *self._pair)
        return of_two or best.probability is not None and best.probability < SURE_OTHERWISE

    def _ask_which(self, conversation: Conversation, one: str, other: str, first: float = 0.5) -> bool:
        """Prepare the question for the one place where two plates differ; False where it is not one.

        `first`: probability of `one` against `other`.
        """
        place = differing_place(one, other)
        if place is None:
            return False
        self._pair = by_key(one, other, place)
        self._first, self._answers = first if self._pair[0] == one else 1.0 - first, []
        self._neither = self._round_counted = False
        symbols = self._pair[0][place], self._pair[1][place]
        conversation.values |= dict(zip(("symbols", "symbols2"), symbols, strict=True))
        conversation.values["place"] = str(place + 1)
        return True
