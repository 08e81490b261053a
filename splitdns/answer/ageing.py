"""TTLs that run in octets: an answer that was made of one kept reply, made older without being made anew.

What an upstream said is decided and encoded once. From then on only its TTLs change, by the second and all of
them alike. So they are found once, and written over; everything else in the message stands still for as long
as the reply is kept. Our own records before it, an alias that leads out, do not age. Of whatever else has a
say, such as a second reply or a record that was put together, nothing is remembered.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from splitdns.answer.decide import Forward, Reply
from splitdns.records import Rcode, RRset
from splitdns.view import Ageing, Remembered
from splitdns.wire.body import FIXED
from splitdns.wire.header import HEADER_OCTETS
from splitdns.wire.message import Answer

_COUNTS = struct.Struct("!HH")  # of the header: answer, authority
_TTL = struct.Struct("!I")
_TTL_AT = 4  # in the fixed part
_COUNTS_AT = 6
_POINTER = 0xC0
_QUESTION_TAIL = 4  # type and class


def ageing_of(
    answer: Answer, encoded: bytes, question: bytes, forward: Forward, reply: Reply
) -> Ageing | None:
    """How ``encoded`` ages, which is ``answer``, made of ``reply`` alone, to ``forward``.

    None: not as the reply does, or something has to be counted each time that it is given. ``question`` is
    the asked name.
    """
    kept = reply.kept
    if kept is None or answer.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return None
    if answer.stripped or answer.rebound or answer.blocked or answer.glue or answer.additional:
        return None
    # Whoever copies a set of records on the way from there to here gives it another owner, or none of them.
    own = {id(rrset) for rrset in forward.walk.chain}
    said = {id(rrset.rdatas) for rrset in _rrsets(reply)}
    standing = _records(encoded, HEADER_OCTETS + len(question) + _QUESTION_TAIL)
    ttls: list[int] = []
    for rrset in answer.answer + answer.authority:
        ages = id(rrset.rdatas) in said
        if not ages and id(rrset) not in own:
            return None
        for _ in rrset.rdatas:
            rdtype, ttl_s, at = next(standing, (rrset.rdtype, rrset.ttl_s, 0))  # 0: it did not fit
            if (rdtype, ttl_s) != (rrset.rdtype, rrset.ttl_s):
                return None
            if at and ages and ttl_s:  # what has come to nothing stays there
                ttls += (at, ttl_s + reply.age_s)
    return Ageing(kept, tuple(ttls))


def older(octets: bytes, ageing: Ageing, age_s: int, missing: int = 0) -> bytes:
    """An answer of whatever age, made ``age_s`` old; it lacks the first ``missing`` octets of the message."""
    aged = bytearray(octets)
    ttls = iter(ageing.ttls)
    for at, ttl_s in zip(ttls, ttls, strict=True):
        _TTL.pack_into(aged, at - missing, ttl_s - age_s if ttl_s > age_s else 0)
    return bytes(aged)


def renewed(remembered: Remembered, ageing: Ageing, now_s: float) -> Remembered | None:
    """``remembered`` as old as it is now; None: what it was made of is over, or has to be looked after."""
    if (age := ageing.kept.age(now_s)) is None:
        return None
    age_s, until_s = age
    encoded = older(remembered.encoded, ageing, age_s)
    return Remembered(encoded, remembered.zone, remembered.plugin, until_s, ageing)


def _rrsets(reply: Reply) -> Iterator[RRset]:
    """All that it holds."""
    yield from reply.answer
    if reply.soa is not None:
        yield reply.soa
    if reply.proof is not None:
        yield from reply.proof.signatures
        yield from reply.proof.denial


def _records(encoded: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Of each record of the first two sections, which begin ``at``: type, TTL, and where that stands."""
    for _ in range(sum(_COUNTS.unpack_from(encoded, _COUNTS_AT))):
        while 0 < (length := encoded[at]) < _POINTER:
            at += 1 + length
        at += 2 if length else 1
        rdtype, _, ttl_s, octets = FIXED.unpack_from(encoded, at)
        yield rdtype, ttl_s, at + _TTL_AT
        at += FIXED.size + octets
