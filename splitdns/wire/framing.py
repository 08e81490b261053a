"""Messages on a stream: two octets of length before each (RFC 1035 4.2.2, RFC 7766 8).

No socket here: octets go in as they come, be it one by one, and whole messages come out. What is kept is
bounded by what was fed at once and one message.
"""

from __future__ import annotations

MAX_MESSAGE_OCTETS = 65_535


def frame(message: bytes) -> bytes:
    """``message``, of at most 65,535 octets, with its length before it: one write, one segment."""
    return len(message).to_bytes(2, "big") + message


class Unframer:
    """Takes a stream apart."""

    __slots__ = ("_at", "_octets")

    def __init__(self) -> None:
        self._octets = bytearray()
        self._at = 0  # where the next message's length stands

    def feed(self, octets: bytes) -> None:
        """Take what the stream brought."""
        self._octets += octets

    def message(self) -> bytes | None:
        """The next whole message, or None until more is fed."""
        start = self._at + 2
        end = start + int.from_bytes(self._octets[self._at : start], "big")
        if start > len(self._octets) or end > len(self._octets):
            del self._octets[: self._at]
            self._at = 0
            return None
        self._at = end
        return bytes(self._octets[start:end])

    @property
    def partial(self) -> bool:
        """Whether octets of a message wait here for the rest of it."""
        return len(self._octets) > self._at
