"""What is asked, and what has to be answered: names, their addresses in two horizons, files of queries.

Nine questions in ten are about names that exist, eight have EDNS, two ask for DNSSEC records. A file has each
query as it goes onto the wire, together with its rcode and address, for the generator checks every answer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from random import Random

APEX = "bench.example.org."
NOERROR, NXDOMAIN = 0, 3
NEGATIVE_SHARE, EDNS_SHARE, DO_SHARE = 0.1, 0.8, 0.2
NUMBER_AT = 12 + 1 + len("host")  # where the eight digits stand in a query for ``label(n)``

INSIDE, OUTSIDE = "inside", "outside"
HORIZONS = (INSIDE, OUTSIDE)
UNCHECKED = "unchecked"  # of a server that has addresses of its own
ECHO = "echo"  # of one that only sends back
_FIRST = {INSIDE: int(IPv4Address("10.0.0.1")), OUTSIDE: int(IPv4Address("45.0.0.1"))}
FORWARDED = "forwarded"  # of the generator as an upstream, which has the same address for every name
_UPSTREAM_ADDRESS = "45.0.2.2"

_RECORD = struct.Struct("!HBB4s")  # a query's length; its answer's rcode, least records, address
_ANY = bytes(4)
_HEADER = struct.Struct("!6H")
_RD = 0x0100
_OPT = struct.Struct("!BHHIH")
_PAYLOAD_OCTETS = 1232
_DO = 0x8000
_A, _IN, _OPT_TYPE = 1, 1, 41


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and what its answer has to say."""

    name: str
    rcode: int = NOERROR
    answers: int = 1  # at least
    address: str | None = None  # of the first record; None: any


def label(number: int) -> str:
    return f"host{number:08}"


def name(number: int) -> str:
    return f"{label(number)}.{APEX}"


def address(horizon: str, number: int) -> str:
    """What ``horizon`` says of the name with this number."""
    return str(IPv4Address(_FIRST[horizon] + number))


def wire(name: str, *, edns: bool = True, dnssec: bool = False) -> bytes:
    """A query for an IPv4 address, with the id 0."""
    labels = name.rstrip(".").encode().split(b".")
    qname = b"".join(bytes((len(one),)) + one for one in labels) + b"\0"
    question = _HEADER.pack(0, _RD, 1, 0, 0, 1 if edns else 0) + qname + struct.pack("!HH", _A, _IN)
    flags = _DO if dnssec else 0
    return question + (_OPT.pack(0, _OPT_TYPE, _PAYLOAD_OCTETS, flags, 0) if edns else b"")


def known(names: int, count: int, expected: str) -> Iterator[Question]:
    """``count`` questions about so many names, at random; ``expected`` is a horizon, or one of the others."""
    rng = Random(names)
    for _ in range(count):
        number = rng.randrange(names)
        exists = rng.random() >= NEGATIVE_SHARE
        asked = name(number) if exists else f"no-{name(number)}"  # a negative answer is as warm as the others
        if expected == ECHO:
            yield Question(asked, answers=0)
        elif exists:
            yield Question(asked, address=address(expected, number) if expected in HORIZONS else None)
        else:
            yield Question(asked, NXDOMAIN, 0)


def forwarded(count: int, first: int) -> Iterator[Question]:
    """Questions for the upstream, about ``count`` names from number ``first`` on."""
    rng = Random(count)
    for number in range(first, first + count):
        if rng.random() < NEGATIVE_SHARE:
            yield Question(f"{label(number)}.no.{APEX}", NXDOMAIN, 0)
        else:
            yield Question(name(number), address=_UPSTREAM_ADDRESS)


def write(file: Path, questions: Iterable[Question]) -> Path:
    """Write a file for the generator."""
    rng = Random(1)
    with file.open("wb") as output:
        for one in questions:
            edns = rng.random() < EDNS_SHARE
            dnssec = edns and rng.random() < DO_SHARE / EDNS_SHARE
            query = wire(one.name, edns=edns, dnssec=dnssec)
            expected = IPv4Address(one.address).packed if one.address else _ANY
            output.write(_RECORD.pack(len(query), one.rcode, one.answers, expected) + query)
    return file


def zone(file: Path, names: int, horizon: str) -> Path:
    """Write a master file with so many names."""
    with file.open("w") as output:
        output.write(f"$ORIGIN {APEX}\n$TTL 3600\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\n")
        output.write("ns A 192.0.2.53\n")
        output.writelines(f"{label(number)} A {address(horizon, number)}\n" for number in range(names))
    return file
