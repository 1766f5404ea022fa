"""Parts that need no call: the wire, the play buffer, sip.conf."""

from pathlib import Path

import pytest

from ivr.sip import protocol as wire
from ivr.sip.config import ConfigError, SipConfig, load_sip_config
from ivr.sip.play_buffer import PlayBuffer

EXAMPLE = Path(__file__).resolve().parents[2] / "sip.conf.example"
MESSAGES = [
    wire.Ready(0, 4, 1, 5060), wire.Dial(2, "sip:1@x", 3.0, {"X-A": "b"}), wire.Ring(1),
    wire.Play(2, "标记", b"\1\2" * 400), wire.Frame(1, b"a" * 320, b"b" * 320),
    wire.EndedMsg(1, 486, "Busy", "remote"),
]  # fmt: skip


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_messages_arrive_whatever_the_pieces(piece):
    raw = b"".join(map(wire.encode, MESSAGES))
    decoder = wire.Decoder()
    pieces = (raw[at : at + piece] for at in range(0, len(raw), piece))
    assert [message for data in pieces for message in decoder.feed(data)] == MESSAGES


@pytest.mark.parametrize(
    "raw",
    [
        b"\xf0\0\0\0\0\0\0\0\0",
        b"\x01\0\0\0\0\xff\xff\xff\xff",
        b"\x29\0\0\0\0\1\0\0\0x",
        b"\x01\0\0\0\0\1\0\0\0{",
        b"\x05\0\0\0\0\2\0\0\0\xff\0",
    ],
)
def test_nonsense_is_a_protocol_error(raw):
    with pytest.raises(wire.ProtocolError):
        list(wire.Decoder().feed(raw))


def test_queued_audio_is_joined_without_a_gap_and_marks_come_in_order():
    buffer = PlayBuffer()
    buffer.queue(b"a" * 500, "one")
    buffer.queue(b"", "empty")
    buffer.queue(b"b" * 200, "two")
    assert buffer.next_frame() == b"a" * 320 and buffer.take_done() == []
    assert buffer.next_frame() == b"a" * 180 + b"b" * 140
    assert buffer.take_done() == [("one", False), ("empty", False)]
    buffer.queue(b"c" * 10, "three")
    buffer.flush()
    assert buffer.take_done() == [("two", True), ("three", True)]
    assert buffer.next_frame() is None


def test_a_paused_buffer_waits():
    buffer = PlayBuffer()
    buffer.queue(b"a" * 10, "one")
    buffer.paused = True
    assert buffer.next_frame() is None
    buffer.paused = False
    assert buffer.next_frame() == b"a" * 10 + bytes(310)


def test_the_example_is_right_and_survives_the_way_to_the_worker():
    config = load_sip_config(EXAMPLE, {"SIP_TRUNK_PASSWORD": "secret"})
    assert [seat.name for seat in config.seats] == ["li", "wang"]
    assert config.trunk.password == "secret" and "secret" not in repr(config)
    assert SipConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[transport]\nport = x", ":2: port = x is not right: write a whole number from 0 to 65"),
        ("[transport]\nbind = home", ":2: bind = home is not right: write an IP address"),
        ("[trunk]\nregister = yes", r"\[trunk\] needs registrar"),
        ("[trunk]\nregistrar = a\npassword = ${NO}", ":3: the environment variable NO is not set"),
        ("[bogus]", r":1: there is no section \[bogus\]: write one of \[transport\]"),
        ("[limits]\ncalls = 3", r":2: \[limits\] has no option calls: write one of seat_legs"),
        ("[media]\ncodecs = opus", ":2: codecs = opus is not right: write some of alaw"),
        ("[media]\nrtp_range = 5", ":2: rtp_range = 5 is not right: write FIRST-LAST"),
        ("[security]\nallowed_peers = 1.2", ":2: allowed_peers = 1.2 is not right"),
        ("[seats]\nli = a b", ":2: li = a b is not right"),
        ("[seats]\nli = 1\nli = 2", ":3: li is set twice"),
        ("port = 1", ":1: write .section. lines"),
    ],
)
def test_each_mistake_in_sip_conf_has_its_place_and_remedy(tmp_path, text, message):
    path = tmp_path / "sip.conf"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_sip_config(path, {})


def test_a_missing_sip_conf_says_what_to_copy(tmp_path):
    with pytest.raises(ConfigError, match="copy sip.conf.example"):
        load_sip_config(tmp_path / "sip.conf")
