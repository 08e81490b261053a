"""Interfaces as the BSDs print them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.dialects.ifconfig.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.network import Interface, Network

OPENBSD = """\
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 32768
\tindex 3 priority 0 llprio 3
\tgroups: lo
\tinet6 ::1 prefixlen 128
\tinet 127.0.0.1 netmask 0xff000000
em0: flags=808843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,AUTOCONF4> mtu 1500
\tlladdr 00:00:5e:00:53:01
\tgroups: egress
\tmedia: Ethernet autoselect (1000baseT full-duplex)
\tinet 203.0.113.7 netmask 0xffffff00 broadcast 203.0.113.255
\tinet6 fe80::1%em0 prefixlen 64 scopeid 0x1
\tinet6 2001:db8::7 prefixlen 64 autoconf pltime 604800 vltime 2592000
em1: flags=8802<BROADCAST,SIMPLEX,MULTICAST> mtu 1500
wg0: flags=80c3<UP,BROADCAST,RUNNING,NOARP,MULTICAST> mtu 1420
\tgroups: wg vpn
\tinet 10.8.0.1 netmask 0xffffff00 broadcast 10.8.0.255
pppoe0: flags=8851<UP,POINTOPOINT,RUNNING,SIMPLEX,MULTICAST> mtu 1492
\tinet 198.51.100.5 --> 198.51.100.1 netmask 0xffffffff
bridge0: flags=41<UP,RUNNING>
\tgroups: bridge
\tem2 flags=3<LEARNING,DISCOVER>
\t\tport 3 ifpriority 0 ifcost 0
em2: flags=8943<UP,BROADCAST,RUNNING,PROMISC> mtu 1500
"""
FREEBSD = """\
em0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
\toptions=4e504bb<RXCSUM,TXCSUM,VLAN_MTU>
\tether 00:00:5e:00:53:01
\tinet 203.0.113.7 netmask 0xffffff00 broadcast 203.0.113.255
\tinet 203.0.113.8/32 broadcast 203.0.113.8 vhid 1
\tnd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>
bridge0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
\tinet 192.168.1.1 netmask 255.255.255.0 broadcast 192.168.1.255
\tmember: em1 flags=143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>
em1: flags=8943<UP,BROADCAST> metric 0 mtu 1500
lo1: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> metric 0 mtu 16384
\tinet 10.9.9.9 netmask 0xffffffff
"""
ROUTES = """\
Routing tables

Internet:
Destination        Gateway            Flags     Netif Expire
default            203.0.113.1        UGS         em0
"""


def network(text: str, routes: str = "") -> Network:
    return read([Printed(text, "ifconfig")], [Printed(routes, "netstat")] if routes else [])


def face(name: str, of: Network) -> Interface:
    found = of.interface(name)
    assert found is not None
    return found


def test_openbsd() -> None:
    found = network(OPENBSD)

    assert [one.name for one in found.interfaces] == ["em0", "em1", "wg0", "pppoe0", "bridge0", "em2"]
    em0, pppoe = face("em0", found), face("pppoe0", found)
    assert (em0.uplink, em0.groups, em0.rp_filter) == (True, frozenset({"egress"}), 0)
    assert [(str(one.address), str(one.prefix), one.dynamic) for one in em0.addresses] == [
        ("203.0.113.7", "203.0.113.0/24", True),
        ("fe80::1", "fe80::/64", False),
        ("2001:db8::7", "2001:db8::/64", True),
    ]
    assert not face("em1", found).up
    assert face("wg0", found).point_to_point
    assert pppoe.point_to_point
    assert pppoe.addresses[0].dynamic
    assert face("em2", found).bridge == "bridge0"


def test_freebsd() -> None:
    found = network(FREEBSD, ROUTES)

    em0 = face("em0", found)
    assert em0.uplink
    assert [str(one.prefix) for one in em0.addresses] == ["203.0.113.0/24", "203.0.113.8/32"]
    assert face("em1", found).bridge == "bridge0"
    assert str(face("bridge0", found).addresses[0].prefix) == "192.168.1.0/24"
    assert face("lo1", found).addresses[0].address == ip_address("10.9.9.9")
    assert [str(one.via) for one in found.routes] == ["203.0.113.1"]


def test_default_routes_say_where_the_internet_is_rather_than_groups() -> None:
    found = network(OPENBSD, ROUTES.replace("em0", "pppoe0"))

    assert [one.name for one in found.interfaces if one.uplink] == ["pppoe0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not ifconfig\n", "ifconfig:1:1: expected an interface"),
        ("em0: flags=1<UP>\n inet 203.0.113.7 netmask 0xff00ff00\n", "ifconfig:2:1: expected an address"),
        ("em0: flags=1<UP>\n inet\n", "ifconfig:2:1: expected an address"),
        ("em0: flags=1<UP>\n inet6 wrong prefixlen 64\n", "ifconfig:2:1: expected an address"),
        ("em0: flags=1<UP>\n inet 203.0.113.7/99\n", "ifconfig:2:1: expected an address"),
    ],
)
def test_what_ifconfig_does_not_print_is_told(text: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        network(text)

    assert str(caught.value.exceptions[0]).startswith(message)
