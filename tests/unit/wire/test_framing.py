from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.wire.framing import MAX_MESSAGE_OCTETS, Unframer, frame


def drain(unframer: Unframer) -> list[bytes]:
    messages = []
    while (message := unframer.message()) is not None:
        messages.append(message)
    return messages


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_messages_come_out_whole_however_the_stream_is_cut__rfc7766_8(
    messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(frame(message) for message in messages)
    unframer, got, at, turn = Unframer(), [], 0, 0
    while at < len(stream):
        octets = cuts[turn % len(cuts)]
        unframer.feed(stream[at : at + octets])
        got += drain(unframer)
        at, turn = at + octets, turn + 1
    assert got == messages
    assert not unframer.partial


def test_the_longest_message_comes_out_when_its_last_octet_does() -> None:
    message = bytes(range(256)) * 255 + bytes(255)
    assert len(message) == MAX_MESSAGE_OCTETS
    stream, unframer = frame(message), Unframer()
    for at in range(len(stream)):
        assert unframer.message() is None
        unframer.feed(stream[at : at + 1])
    assert unframer.message() == message


def test_one_octet_of_a_length_is_the_part_of_a_message() -> None:
    unframer = Unframer()
    assert not unframer.partial
    unframer.feed(b"\0")
    assert unframer.message() is None
    assert unframer.partial
