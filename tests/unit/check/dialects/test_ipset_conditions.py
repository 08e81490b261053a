from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.ipset import IpSets, read
from splitdns.check.dialects.ipset_conditions import MAX_ALTERNATIVES, Memberships
from splitdns.check.model import (
    Addresses,
    AnyOf,
    Condition,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Ports,
    Protocols,
    Side,
    Unknown,
)
from splitdns.check.sets import ADDRESSES4, Numbers, numbers_of

FROM, TO = Side.SOURCE, Side.DESTINATION
TCP, UDP = Protocols(Numbers.one(6)), Protocols(Numbers.one(17))


def of(
    text: str, *sides: Side, family: int = 4, negated: bool = False, changing: frozenset[str] = frozenset()
) -> Condition:
    """What it means to be in the set ``x``."""
    return Memberships(read(text, "sets"), family, changing).of("x", sides, negated=negated)


def net(*texts: str) -> Numbers:
    return numbers_of(*(ip_network(text) for text in texts))


def test_networks_become_one_set_of_numbers() -> None:
    text = "create x hash:net\nadd x 192.0.2.0/25\nadd x 192.0.2.128/25\n"

    assert of(text, FROM) == Addresses(FROM, net("192.0.2.0/24"))
    assert of(text, TO, negated=True) == Addresses(TO, ADDRESSES4 - net("192.0.2.0/24"))


def test_an_empty_set_holds_nothing() -> None:
    assert of("create x hash:net\n", FROM) == Addresses(FROM, Numbers())
    assert of("create x hash:net\n", FROM, negated=True) == Addresses(FROM, ADDRESSES4)


def test_the_longest_prefix_decides_about_nomatch() -> None:
    text = "create x hash:net\nadd x 10.0.0.0/8\nadd x 10.1.0.0/16 nomatch\nadd x 10.1.2.0/24\n"

    assert of(text, FROM) == Addresses(FROM, net("10.0.0.0/8") - net("10.1.0.0/16") | net("10.1.2.0/24"))


def test_addresses_with_the_same_ports_and_ports_of_the_same_addresses_are_one_alternative() -> None:
    text = "create x hash:ip,port\n" + "".join(
        f"add x {address},{port}\n"
        for address in ("10.0.0.1", "10.0.0.2")
        for port in ("tcp:80", "tcp:443", "udp:53")
    )
    both = Addresses(TO, numbers_of(ip_address("10.0.0.1"), ip_address("10.0.0.2")))

    assert of(text, TO, TO) == AnyOf(
        ((both, TCP, Ports(TO, Numbers.of((80, 80), (443, 443)))), (both, UDP, Ports(TO, Numbers.one(53))))
    )


def test_each_part_has_its_side() -> None:
    text = "create x hash:ip,port,net\nadd x 10.0.0.1,tcp:80,192.0.2.0/24\n"
    one = Numbers.one(int(ip_address("10.0.0.1")))

    assert of(text, TO, TO, FROM) == AnyOf(
        ((Addresses(TO, one), TCP, Ports(TO, Numbers.one(80)), Addresses(FROM, net("192.0.2.0/24"))),)
    )


def test_other_parts_are_conditions_too() -> None:
    interface = of("create x hash:net,iface\nadd x 10.0.0.0/8,eth0\n", FROM, FROM)
    mark = of("create x hash:ip,mark\nadd x 10.0.0.1,0x10\n", FROM, FROM)
    icmp = of("create x hash:ip,port\nadd x 10.0.0.1,icmp:3/4\n", FROM, FROM)
    port = of("create x bitmap:port range 0-9\nadd x 7\n", TO, family=6)

    assert isinstance(interface, AnyOf)
    assert interface.alternatives[0][1] == Interfaces(FROM, frozenset({"eth0"}))
    assert isinstance(mark, AnyOf)
    assert mark.alternatives[0][1] == Mark(Of.PACKET, Numbers.one(16))
    assert isinstance(icmp, AnyOf)
    assert icmp.alternatives[0][2:] == (IcmpTypes(Numbers.one(3)), Unknown("ICMP code 4"))
    assert isinstance(port, AnyOf)
    assert port.alternatives[0][1] == Ports(TO, Numbers.one(7))


def test_of_networks_at_interfaces_the_longest_prefix_decides_whichever_interface_it_has() -> None:
    text = "create x hash:net,iface\nadd x 10.0.0.0/8,eth0\nadd x 10.1.0.0/16,eth1\n"
    text += "add x 10.1.1.0/24,eth1 nomatch\n"
    found = of(text, FROM, FROM)

    assert isinstance(found, AnyOf)
    assert set(found.alternatives) == {
        (Addresses(FROM, net("10.0.0.0/8") - net("10.1.0.0/16")), Interfaces(FROM, frozenset({"eth0"}))),
        (Addresses(FROM, net("10.1.0.0/16") - net("10.1.1.0/24")), Interfaces(FROM, frozenset({"eth1"}))),
    }


def test_a_pair_of_networks_may_be_excluded_by_a_longer_pair() -> None:
    text = "create x hash:net,net\nadd x 10.0.0.0/8,0.0.0.0/1\nadd x 10.1.0.0/16,0.0.0.0/1 nomatch\n"
    half = Addresses(TO, net("0.0.0.0/1"))

    assert of(text, FROM, TO) == AnyOf(
        (
            (
                Addresses(FROM, net("10.0.0.0/8")),
                half,
                AnyOf(((Addresses(FROM, net("10.1.0.0/16")), half),), negated=True),
            ),
        )
    )


def test_the_kernel_finds_nothing_in_a_set_of_another_family_or_with_more_parts() -> None:
    text = "create x hash:ip,port\nadd x 10.0.0.1,tcp:80\n"

    assert of(text, TO) == Addresses(TO, Numbers())
    assert of(text, TO, TO, family=6, negated=True) == Addresses(
        TO, Numbers(((0, (1 << 128) - 1),))
    )


def test_a_list_is_any_of_its_sets() -> None:
    text = (
        "create a hash:net\nadd a 10.0.0.0/8\ncreate b hash:ip,port\nadd b 192.0.2.1,tcp:80\n"
        "create x list:set size 8\nadd x a\nadd x b\n"
    )

    assert of(text, TO) == Addresses(TO, net("10.0.0.0/8"))
    both = of(text, TO, TO)
    assert isinstance(both, AnyOf)
    assert len(both.alternatives) == 2


UNKNOWN = [
    ("", "not in sets"),
    ("create x hash:ip timeout 60\n", "come and go"),
    ("create x list:set\nadd x gone\n", "'gone'"),
    ("create a hash:ip timeout 60\ncreate x list:set\nadd x a\n", "come and go"),
    ("create x list:set\n" + "add x a\n" * 65, "more than 64 sets"),
]


@pytest.mark.parametrize(("text", "reason"), UNKNOWN)
def test_what_is_not_known_says_why(text: str, reason: str) -> None:
    found = of(text, FROM)

    assert isinstance(found, Unknown)
    assert reason in found.reason


def test_a_condition_is_made_once() -> None:
    sets = Memberships(read("create x hash:net\nadd x 192.0.2.0/24\n", "sets"), 4)

    assert sets.of("x", (FROM,)) is sets.of("x", (FROM,))
    assert sets.of("x", (TO,)) != sets.of("x", (FROM,)) != sets.of("x", (FROM,), negated=True)


def test_without_sets_the_command_to_run_is_named() -> None:
    found = Memberships(IpSets(), 4).of("x", (FROM,))

    assert found == Unknown("what the set 'x' holds is not known: give what `ipset save` prints")


def test_sets_that_rules_write_to_are_not_known() -> None:
    text = "create a hash:net\ncreate x list:set\nadd x a\n"

    assert isinstance(of(text, FROM, changing=frozenset({"x"})), Unknown)
    assert isinstance(of(text, FROM, changing=frozenset({"a"})), Unknown)


def test_alternatives_end_somewhere() -> None:
    def many(number: int) -> Condition:
        rows = (f"add x 10.0.{at >> 8}.{at & 255},tcp:{at + 1}\n" for at in range(number))
        return of("create x hash:ip,port\n" + "".join(rows), TO, TO)

    assert isinstance(many(MAX_ALTERNATIVES), AnyOf)
    assert isinstance(many(MAX_ALTERNATIVES + 1), Unknown)
