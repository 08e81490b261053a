from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.dialects import ipset
from splitdns.check.dialects.ipset import (
    AddressPart,
    Element,
    InterfacePart,
    MarkPart,
    PortPart,
    read,
)
from splitdns.check.sets import PORTS, Numbers, numbers_of

TEXT = """\
create nets hash:net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x79902f7e
add nets 192.0.2.0/24
add nets 192.0.2.128/25 nomatch
create web hash:ip,port family inet6 hashsize 1024 maxelem 65536
add web 2001:db8::1,tcp:80
add web 2001:db8::1,ipv6-icmp:128/0
add web 2001:db8::1,gre:0
create open bitmap:port range 0-1023
add open 22
create ways hash:net,iface family inet
add ways 10.0.0.0/8,eth0
add ways 10.0.0.0/8,ppp wildcard
create marks hash:ip,mark family inet
add marks 192.0.2.1,0x10
create all list:set size 8
add all nets
create wide hash:ip family inet netmask 24
add wide 192.0.2.0
"""


def test_elements_are_read_part_by_part() -> None:
    sets = read(TEXT, "sets").sets
    network = numbers_of(ip_network("192.0.2.0/24"))
    one = AddressPart(Numbers.one(0x2001_0DB8 << 96 | 1), 128)

    assert sets["nets"].elements == [
        Element((AddressPart(network, 24),)),
        Element((AddressPart(numbers_of(ip_network("192.0.2.128/25")), 25),), excluded=True),
    ]
    assert [element.parts for element in sets["web"].elements] == [
        (one, PortPart(6, Numbers.one(80))),
        (one, PortPart(58, Numbers.one(128))),
        (one, PortPart(47, PORTS)),
    ]
    assert sets["open"].elements == [Element((PortPart(None, Numbers.one(22)),))]
    assert [element.parts[1] for element in sets["ways"].elements] == [
        InterfacePart("eth0"),
        InterfacePart("ppp*"),
    ]
    assert sets["marks"].elements[0].parts[1] == MarkPart(16)
    assert sets["all"].members == ["nets"]
    assert sets["wide"].elements == [Element((AddressPart(network, 24),))]


def test_families_are_the_set_s_own() -> None:
    sets = read(TEXT, "sets").sets

    assert (sets["nets"].family, sets["web"].family) == (4, 6)


@pytest.mark.parametrize(
    ("create", "reason"),
    [
        ("create x hash:ip timeout 600", "its elements come and go (timeout)"),
        ("create x hash:mac", "sets of type hash:mac are not modelled"),
        ("create x bitmap:ip,mac range 192.0.2.0/24", "sets of type bitmap:ip,mac are not modelled"),
        ("create x hash:ip bitmask 255.0.255.0", "its bitmask is not modelled"),
    ],
)
def test_a_set_of_which_nothing_is_known_says_why(create: str, reason: str) -> None:
    found = read(f"{create}\nadd x whatever\n", "sets").sets["x"]

    assert (found.unknown, found.elements) == (reason, [])


def test_ports_of_a_bridge_are_not_modelled() -> None:
    found = read("create x hash:net,iface\nadd x 10.0.0.0/8,physdev:eth0\n", "sets").sets["x"]

    assert found.unknown == "it names ports of a bridge (physdev)"


MISTAKES = [
    ("hello", "sets:1:1: expected 'create NAME TYPE …' or 'add NAME ELEMENT …'"),
    ("create x", "sets:1:1: expected 'create NAME TYPE …'"),
    ("create x hash", "sets:1:10: expected a type of set like 'hash:ip', found 'hash'"),
    ("create x hash:ip\ncreate x hash:ip", "sets:2:8: expected each set once, found 'x' again"),
    ("add x 1.2.3.4", "sets:1:5: expected a set that was created above, found 'x'"),
    ("create x hash:ip\nadd x 1.2.3", "sets:2:7: expected an IPv4 address, found '1.2.3'"),
    ("create x hash:ip\nadd x 1.2.3.4,80", "sets:2:7: expected an element of 1 parts, as hash:ip has"),
    ("create x hash:ip,port\nadd x 1.2.3.4,tcp:http9", "sets:2:7: expected a port number, found 'http9'"),
    ("create x hash:ip,port\nadd x 1.2.3.4,warp:80", "sets:2:7: expected a protocol, found '1.2.3.4,warp"),
    ("create x hash:ip netmask 40", "sets:1:26: expected a prefix length, found '40'"),
]


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, mistake: str) -> None:
    with pytest.raises(ExceptionGroup) as told:
        read(text, "sets")

    assert str(told.value.exceptions[0]).startswith(mistake)


def test_mistakes_are_told_up_to_a_number() -> None:
    with pytest.raises(ExceptionGroup) as told:
        read("hello\n" * 1000, "sets")

    assert len(told.value.exceptions) == 50


def test_elements_end_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipset, "MAX_ELEMENTS", 2)
    text = "create x hash:ip\n" + "add x 192.0.2.1\n" * 2

    assert len(read(text, "sets").sets["x"].elements) == 2
    with pytest.raises(ExceptionGroup) as told:
        read(text + "add x 192.0.2.1\n", "sets")
    assert str(told.value.exceptions[0]) == "sets:4: expected at most 2 elements"
