import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from splitdns.serve.framestreams import (
    MAX_CONTROL_OCTETS,
    Control,
    FrameError,
    FrameWriter,
    control_frame,
    read_control_frame,
)

TYPE = b"protobuf:dnstap.Dnstap"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    theirs.settimeout(60)
    with ours, theirs:
        yield ours, theirs


def reads(theirs: socket.socket, answers: bytes, read: list[bytes]) -> Callable[[], None]:
    """A peer that says ``answers``, each when it was spoken to, and keeps what it read."""

    def run() -> None:
        read.append(theirs.recv(4096))
        theirs.sendall(answers)
        while octets := theirs.recv(4096):
            read.append(octets)

    return run


def test_a_control_frame_is_escape_length_kind_and_content_type() -> None:
    assert control_frame(Control.STOP) == bytes.fromhex("00000000 00000004 00000003")
    assert control_frame(Control.START, b"ab") == bytes.fromhex(
        "00000000 0000000e 00000002 00000001 00000002 6162"
    )


def test_a_control_frame_is_read_as_it_was_written(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.sendall(control_frame(Control.ACCEPT, TYPE))

    assert read_control_frame(ours) == (Control.ACCEPT, [TYPE])


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        struct.pack("!LL", 0, 3) + b"abc",
        struct.pack("!LL", 0, MAX_CONTROL_OCTETS + 1) + bytes(MAX_CONTROL_OCTETS + 1),
        struct.pack("!LLL", 0, 4, 77),
        struct.pack("!LLLLL", 0, 12, Control.ACCEPT, 1, 1000),
        struct.pack("!LLLL", 0, 8, Control.ACCEPT, 1),
    ],
)
def test_what_is_no_control_frame_is_an_error(
    pair: tuple[socket.socket, socket.socket], octets: bytes
) -> None:
    ours, theirs = pair
    theirs.sendall(octets)

    with pytest.raises(FrameError):
        read_control_frame(ours)


def test_frames_go_between_start_and_stop(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    read: list[bytes] = []
    peer = threading.Thread(
        target=reads(theirs, control_frame(Control.ACCEPT, TYPE) + control_frame(Control.FINISH), read)
    )
    peer.start()

    writer = FrameWriter(ours, TYPE)
    writer.write([b"one", b"three"])
    writer.finish()
    peer.join()

    assert b"".join(read) == (
        control_frame(Control.READY, TYPE)
        + control_frame(Control.START, TYPE)
        + b"\0\0\0\x03one\0\0\0\x05three"
        + control_frame(Control.STOP)
    )


@pytest.mark.parametrize(
    "answer", [control_frame(Control.ACCEPT, b"another"), control_frame(Control.FINISH, TYPE)]
)
def test_a_peer_that_takes_something_else_is_an_error(
    pair: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    ours, theirs = pair
    theirs.sendall(answer)

    with pytest.raises(FrameError, match="does not take protobuf"):
        FrameWriter(ours, TYPE)


def test_a_peer_that_says_nothing_has_its_time(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    ours.settimeout(0.05)

    with pytest.raises(TimeoutError):
        FrameWriter(ours, TYPE)
