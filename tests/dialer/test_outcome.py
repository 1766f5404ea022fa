"""What can come of a call to an owner is told in one place, and every part knows it."""

from pathlib import Path

from dialer.answer.verdict import OUTCOMES as OF_MACHINES
from dialer.outcome import OF_ENDINGS, OUTCOMES
from ivr.flow.load import load_flow

FLOWS = Path(__file__).resolve().parents[2] / "flows"


def test_every_end_of_the_owners_flow_and_every_machine_has_a_consequence():
    ends = {state.end for state in load_flow(FLOWS / "move_car_outbound.yaml").states.values() if state.end}
    assert {OF_ENDINGS.get(end, end) for end in ends} | set(OF_MACHINES.values()) <= OUTCOMES.keys()


def test_the_callers_flow_leads_on_from_whatever_it_is_told():
    flow = load_flow(FLOWS / "move_car_inbound.yaml")
    told = {follows.told for follows in OUTCOMES.values()}
    for state in flow.states.values():
        if state.action in ("call_owner", "follow_owner"):
            assert told <= state.next.keys()
