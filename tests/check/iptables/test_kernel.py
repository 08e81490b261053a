"""A rule's conditions hold for a packet if, and only if, the kernel's own rule meets it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Direction,
    IcmpTypes,
    Interfaces,
    Mark,
    Ports,
    Protocols,
    ReversePath,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
    Unknown,
)
from tests.check.iptables import one_rule
from tests.check.iptables.cases import BASICS, MATCHES
from tests.check.iptables.kernel import OWN, THERE, Packet, met
from tests.check.iptables.test_round_trip import NOT_THE_SAME

ADDRESSES = [
    "192.0.2.1", "192.0.2.8", "192.0.2.11", "192.0.2.77", "192.0.2.255", "10.0.0.1", "198.51.100.9",
    "224.0.0.5",
]  # fmt: skip
PORTS = [0, 22, 53, 67, 80, 443, 1023, 1024, 5060, 6000, 8000, 8005, 8010, 65535]
FLAGS = [0x02, 0x12, 0x10, 0x11, 0x04, 0x29, 0x00, 0x3F]
PACKETS = 60


def packets(dice: random.Random) -> Iterable[Packet]:
    for _ in range(PACKETS):
        source, destination = dice.choice(ADDRESSES[1:7]), dice.choice(ADDRESSES)
        protocol = dice.choice([1, 6, 6, 17, 17, 47])
        ports = (dice.choice(PORTS), dice.choice(PORTS))
        if protocol == 1:
            ports = dice.choice([(8, 0), (0, 0), (3, 4), (3, 1), (11, 0)])
        yield Packet(source, destination, protocol, ports, dice.choice(FLAGS))


def holds(condition: Condition, packet: Packet) -> bool:
    """Whether it does; of connections nothing is known but that the packet opens one, or belongs to none."""
    ours = packet.ports
    match condition:
        case Addresses(side, numbers):
            return int(ip_address(packet.source if side is Side.SOURCE else packet.destination)) in numbers
        case Protocols(numbers):
            return packet.protocol in numbers
        case Ports(side, numbers):
            return ours[0 if side is Side.SOURCE else 1] in numbers
        case IcmpTypes(numbers):
            return ours[0] in numbers
        case TcpFlags(mask, value, negated):
            return (packet.flags & mask == value) != negated
        case Interfaces(side, names, negated):
            name = THERE if side is Side.SOURCE else ""  # prerouting knows of no way out
            found = any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in names)
            return found != negated
        case AddressTypes(side, types, negated):
            address = packet.source if side is Side.SOURCE else packet.destination
            return (kind(address) in types) != negated
        case ReversePath(expected):  # there is one route, to the network of near0
            own = ip_network(f"{OWN}/24", strict=False)
            return (ip_address(packet.source) in own and kind(packet.source) == "unicast") is expected
        case States(states):
            return (State.NEW if opens(packet) else State.INVALID) in states
        case Translated(_, expected):
            return not expected
        case Direction(reply):
            return not reply
        case Mark(_, numbers, _):
            return 0 in numbers
        case AnyOf(alternatives, negated):
            return any(all(holds(one, packet) for one in each) for each in alternatives) != negated
    raise AssertionError(condition)


def kind(address: str) -> str:
    found = ip_address(address)
    if found == ip_address(OWN):
        return "local"
    if found == ip_address("192.0.2.255"):
        return "broadcast"
    return "multicast" if found.is_multicast else "unicast"


def is_certain(conditions: Sequence[Condition]) -> bool:
    text = repr(conditions)
    return not any(isinstance(one, Unknown) for one in conditions) and "Original(" not in text


def opens(packet: Packet) -> bool:
    """Whether conntrack takes it for the first of a connection."""
    if packet.protocol == 1:
        return packet.ports[0] == 8
    return packet.protocol != 6 or packet.flags in (0x02, 0x10)  # nf_conntrack_tcp_loose takes an ACK too


# Without those that look at more than a packet, that prerouting does not take, and that look at the frame.
WORDS = [
    words
    for words, _ in [*BASICS, *MATCHES]
    if words not in NOT_THE_SAME
    and "pkttype" not in words
    and "-o" not in words.split()
    and is_certain(one_rule(words)[0].conditions)
]
PREROUTING = [
    "-m rpfilter", "-m rpfilter --loose --validmark --invert", f"-i {THERE}", f"! -i {THERE}", "-i near+",
    "! -i n+", "-i far0", "-s 192.0.2.8 ! -i far+",
]  # fmt: skip


@pytest.mark.root
@pytest.mark.needs("iptables", "unshare", "ip")
@pytest.mark.parametrize("tool", ["", "legacy-"])
def test_conditions_hold_for_the_packets_that_the_kernel_s_rule_meets(tool: str) -> None:
    dice = random.Random(f"packets {tool}")
    sent = list(packets(dice))
    words = [*WORDS, *PREROUTING]
    rules = [one_rule(one, name="mangle", chain="PREROUTING")[0] for one in words]

    answers = met(words, sent, tool)

    wrong = [
        (one, packet, was_met)
        for packet, answer in zip(sent, answers, strict=True)
        for one, rule, was_met in zip(words, rules, answer, strict=True)
        if all(holds(condition, packet) for condition in rule.conditions) != was_met
    ]
    assert wrong == []
    assert sum(map(sum, answers)) > 2 * PACKETS
