"""Frame Streams: pieces of data of one content type over a connection, with a handshake before and after.

Each frame is its length in four octets and its octets; a length of zero announces a control frame. The writer
says which content types it has (READY), the reader which of them it takes (ACCEPT), and only then data flows,
between START and STOP; FINISH tells that all of it has arrived. Control frames and their fields are those of
``fstrm/control.h`` of Farsight's library.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from enum import IntEnum

MAX_CONTROL_OCTETS = 512  # of a control frame, as in fstrm; a peer that says more is none
_CONTENT_TYPE = 1  # the only field


class Control(IntEnum):
    """What a control frame says."""

    ACCEPT = 1
    START = 2
    STOP = 3
    READY = 4
    FINISH = 5


class FrameError(OSError):
    """The peer speaks something else, or takes another content type."""


def control_frame(control: Control, content_type: bytes = b"") -> bytes:
    """A control frame, with the escape before it."""
    body = struct.pack("!L", control)
    if content_type:
        body += struct.pack("!LL", _CONTENT_TYPE, len(content_type)) + content_type
    return struct.pack("!LL", 0, len(body)) + body


def read_control_frame(sock: socket.socket) -> tuple[Control, list[bytes]]:
    """What the peer says, and the content types with it.

    Raises:
        FrameError: it is no control frame.
        OSError: the connection broke, or the socket's time is over.
    """
    escape, octets = struct.unpack("!LL", _exactly(sock, 8))
    if escape or not 4 <= octets <= MAX_CONTROL_OCTETS:
        raise FrameError("the peer does not speak Frame Streams")
    body = _exactly(sock, octets)
    try:
        control = Control(*struct.unpack_from("!L", body))
        content_types, at = [], 4
        while at < octets:
            field, length = struct.unpack_from("!LL", body, at)
            at += 8 + length
            if field == _CONTENT_TYPE:
                content_types.append(body[at - length : at])
    except (ValueError, struct.error):
        at = octets + 1
    if at != octets:
        raise FrameError("the peer's control frame is malformed")
    return control, content_types


class FrameWriter:
    """The writer's end of ``sock``, which it closes at the end; every wait is the socket's time-out."""

    def __init__(self, sock: socket.socket, content_type: bytes) -> None:
        """Shake hands.

        Raises:
            FrameError: the peer does not take ``content_type``.
            OSError: the connection broke.
        """
        self._sock = sock
        sock.sendall(control_frame(Control.READY, content_type))
        control, accepted = read_control_frame(sock)
        if control is not Control.ACCEPT or content_type not in accepted:
            raise FrameError(f"the peer does not take {content_type.decode()}")
        sock.sendall(control_frame(Control.START, content_type))

    def write(self, frames: Iterable[bytes]) -> None:
        """Send them all together.

        Raises:
            OSError: the connection broke, or the peer reads too slowly.
        """
        self._sock.sendall(b"".join(struct.pack("!L", len(frame)) + frame for frame in frames))

    def finish(self) -> None:
        """Wait until the peer has all of it, and close."""
        with self._sock:
            self._sock.sendall(control_frame(Control.STOP))
            read_control_frame(self._sock)


def _exactly(sock: socket.socket, octets: int) -> bytes:
    found = b""
    while len(found) < octets:
        more = sock.recv(octets - len(found))
        if not more:
            raise ConnectionResetError("the peer closed the connection")
        found += more
    return found
