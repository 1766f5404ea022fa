"""A caller, or an owner, may hang up anywhere: in every state of both flows the call ends as the flow says."""

import pytest
from typed import Told, call, loaded

from ivr.flow.model import Flow

INBOUND, OUTBOUND = loaded("move_car_inbound").flow, loaded("move_car_outbound").flow
ALIKE = {"register": ("赣KA1234", "赣KAE234")}
ASKED = ("赣KA1234", "对")
VALUES = {"plate": "赣KA1234", "minutes": "10", "words": "车停在东门口"}
NO_ANSWER = "今天天气真好我们去公园走一走吧"
CALLS = {
    "owner comes": (*ASKED, "owner: 马上来"),
    "owner comes in ten minutes": (*ASKED, "owner: 十分钟"),
    "owner does not say when": (*ASKED, "owner: 等一会儿", "owner: ", "owner: "),
    "owner moved": (*ASKED, "owner: 车已经开走了"),
    "not the owner's": (*ASKED, "owner: 不是我的车"),
    "owner refuses": (*ASKED, "owner: 来不了"),
    "owner wants a person": (*ASKED, "owner: 转人工"),
    "owner wants peace": (*ASKED, "owner: 你们别再打了"),
    "nobody spoke": ("", "", "", ""),
    "not understood": (NO_ANSWER,) * 4,
    "old": ("我年纪大了", "我年纪大了不会弄"),
    "waits": ("等一下",) * 4,
    "asked again": ("再说一遍", "人工"),
    "no longer": ("不用了", "不用了"),
    "no plate": ("没有车牌",),
    "upset": ("你他妈的", "你他妈的"),
    "no robot": ("你是机器人吗",) * 3,
    "child": ("叔叔你好",) * 3,
    "denied though nothing was read": ("江西的赣K", "不对", "人工"),
    "no Chinese": ("我不会中文",),
    "another matter": ("我要投诉",) * 2,
    "a plate that people ring": ("赣K1234挂",),
    "not registered": ("京A99999", "对"),
    "emergency": ("家里着火了", "对"),
    "no emergency": ("赣KA1234", "家里着火了", "不是"),
    "keys": ("#3", "#6", "#99", "#52", "#1", "#1234#", "#12345#", "不对", "#99", "#36"),
    "badly heard": ("赣KA1234", "~对", "第六位是八", "不对", "第六位是九"),
    "rest of it": ("江西的赣K", "12345", "不对，第十二位是六"),
}
SITUATIONS = {
    "owner busy": (ASKED, {"owner": "busy"}), "owner off": (ASKED, {"owner": "off"}),
    "owner does not answer": (ASKED, {"owner": "no-answer"}), "seats busy": (("人工",), {"seat": "busy"}),
    "vault down": (("赣KA1234",), {"vault_down": True}), "two alike": (("赣KA1234", "都不是", "都不是", "第六位是八"), ALIKE),
    **{f"owner says {said}": ((*ASKED, *(f"owner: {line}" for line in said.split(", "))), {"attempts": 1})
       for said in ("车借给朋友了, 可以", "钥匙在门卫那里", "天气好, 天气好, 天气好", "你是谁, hang up")},
    **{f"region {key}": ((f"#{key}",), {}) for key in "1246"}, "region 5": (("#5", ""), {}),
    **{name: (lines, {}) for name, lines in CALLS.items()},
}
BY_ITSELF = ("again_", "another_car", "busy_texted", "call_later", "car_moved", "declined", "did_it_move", "emergency_called",
             "goes_on", "gone", "hold_", "how_far", "joined", "later_call", "long_wait", "moved_thanks", "next_number",
             "no_answer_texted", "not_needed", "not_now", "not_yet_call", "off_texted", "offer_call", "plate_anew", "plate_changed",
             "plate_taken_back", "promise", "stop", "transfer_declined", "transfer_not_now", "where_said", "wrong_car")
"""States after hours, on hold, by a gateway or in a second call (their beginnings): the call begins there."""


@pytest.fixture(scope="module")
def ways() -> dict[str, tuple[tuple[str, ...], dict]]:
    """State → what is typed until it is reached, and the situation."""
    found: dict[str, tuple[tuple[str, ...], dict]] = {}
    for lines, situation in SITUATIONS.values():
        for state in call(*lines, **situation).states:
            found.setdefault(state, (lines, situation))
    return found


def hang_up_in(state: str, ways) -> Told:
    if state in ways:
        lines, situation = ways[state]
        return call(*lines, **situation, hang_up_in=state)
    assert state.startswith(BY_ITSELF), f"no call comes to {state}"
    return call(hang_up_in=state, values=VALUES, begin=state)


@pytest.mark.parametrize("state", [name for name in INBOUND.states if name != INBOUND.always["hang_up"]])
def test_a_caller_hangs_up_in_each_state(state, ways):
    ends_as_the_flow_says(hang_up_in(state, ways), INBOUND, state)


@pytest.mark.parametrize("state", [name for name in OUTBOUND.states if name != OUTBOUND.always["hang_up"]])
def test_an_owner_hangs_up_in_each_state(state):
    told = call(flow="move_car_outbound", hang_up_in=state, begin=state, values=VALUES)
    ends_as_the_flow_says(told, OUTBOUND, state)


def ends_as_the_flow_says(told: Told, flow: Flow, name: str) -> None:
    """A mere choice is still made: the call ends in the state after it then."""
    state = flow.states[name]
    left = flow.states[state.next.get("hang_up", flow.always["hang_up"])]
    lived = [name] if state.say or state.listen or state.action else [name, *state.next.values()]
    ends = {flow.states[each].end for each in lived} - {""} or {left.end}
    assert told.ended.outcome in ends and set(told.states[-1:]) <= set(lived)
    assert not told.of("trouble", "error")
