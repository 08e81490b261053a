"""What it means to be in a set is what ``ipset test`` says, for random sets and random packets."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from splitdns.check.dialects.ipset import read
from splitdns.check.dialects.ipset_conditions import Memberships
from splitdns.check.model import Addresses, AnyOf, Condition, Interfaces, Ports, Protocols, Side

# The parts of each type's elements, of those types that kernels usually have.
KINDS = ["ip", "net", "ip,port", "net,port", "ip,port,ip", "ip,port,net", "net,iface"]
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
BASE = int(IPv4Address("10.0.0.0"))
ELEMENTS, PACKETS = 12, 40


@dataclass(frozen=True)
class Packet:
    """What sets look at."""

    source: int
    destination: int
    protocol: int
    port: int
    interface: str


def holds(condition: Condition, packet: Packet) -> bool:
    match condition:
        case Addresses():
            address = packet.source if condition.side is Side.SOURCE else packet.destination
            return address in condition.numbers
        case Protocols():
            return packet.protocol in condition.numbers
        case Ports():
            assert condition.side is Side.DESTINATION
            return packet.port in condition.numbers
        case Interfaces():
            return packet.interface in condition.names
        case AnyOf():
            found = (all(holds(one, packet) for one in each) for each in condition.alternatives)
            return any(found) != condition.negated
    raise AssertionError(condition)


def _part(kind: str, dice: random.Random) -> str:
    if kind == "ip":
        return str(IPv4Address(BASE + dice.randrange(16)))
    if kind == "net":
        length = dice.randrange(26, 33)
        host = (1 << (32 - length)) - 1
        return f"{IPv4Address(BASE + dice.randrange(64) & ~host)}/{length}"
    if kind == "port":
        return f"{dice.choice(list(PROTOCOLS))}:{dice.randrange(80, 83)}"
    return dice.choice(["eth0", "eth1"])


def _set(name: str, kind: str, dice: random.Random) -> str:
    rows = {}
    for _ in range(ELEMENTS):
        element = ",".join(_part(part, dice) for part in kind.split(","))
        rows[element] = " nomatch" * (kind.count("net") > 0 and dice.random() < 0.4)
    added = "".join(f"add {name} {element}{end}\n" for element, end in rows.items())
    return f"create {name} hash:{kind} family inet\n{added}"


def _packet(dice: random.Random) -> Packet:
    source, destination = BASE + dice.randrange(64), BASE + dice.randrange(64)
    protocol, port = dice.choice(list(PROTOCOLS.values())), dice.randrange(79, 84)
    return Packet(source, destination, protocol, port, dice.choice(["eth0", "eth1"]))


def _tested(kind: str, packet: Packet) -> str:
    """The packet as an element of a set of this kind."""
    names = {number: name for name, number in PROTOCOLS.items()}
    addresses = iter((packet.source, packet.destination))
    shown = []
    for part in kind.split(","):
        if part in ("ip", "net"):
            shown.append(str(IPv4Address(next(addresses))))
        elif part == "port":
            shown.append(f"{names[packet.protocol]}:{packet.port}")
        else:
            shown.append(packet.interface)
    return ",".join(shown)


def _sides(kind: str) -> list[Side]:
    """The first address is the source, the next the destination, as ports are."""
    addresses = iter((Side.SOURCE, Side.DESTINATION))
    return [
        next(addresses) if part in ("ip", "net") else Side.DESTINATION if part == "port" else Side.SOURCE
        for part in kind.split(",")
    ]


@pytest.mark.root
@pytest.mark.needs("ipset", "unshare")
@pytest.mark.parametrize("kind", KINDS)
def test_a_packet_is_in_a_set_if_ipset_says_so(kind: str) -> None:
    dice = random.Random(f"ipset {kind}")
    text = _set("it", kind, dice)
    packets = [_packet(dice) for _ in range(PACKETS)]
    script = 'printf "%s" "$0" | ipset restore; for one; do ipset -q test it "$one" && echo 1 || echo 0; done'
    done = subprocess.run(
        ("unshare", "--net", "sh", "-uc", script, text, *(_tested(kind, packet) for packet in packets)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    condition = Memberships(read(text, "sets"), 4).of("it", _sides(kind))

    said = [line == "1" for line in done.stdout.split()]
    assert [holds(condition, packet) for packet in packets] == said, text
    assert len(said) == PACKETS
