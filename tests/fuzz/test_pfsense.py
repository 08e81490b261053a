"""Whatever a ``config.xml`` says, the readers know ``ConfigError`` with its place, and nothing else.

Files are mutated as text, and as trees that stay XML: texts become others, elements go, come twice, or stand
under another name.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.opnsense import read as opnsense
from splitdns.check.dialects.pfsense import read as pfsense
from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import Device, Network
from tests.check.pfsense.configs import (
    DMZ,
    GATEWAYS,
    HELPER,
    LAN,
    LEASED_WAN,
    PURE,
    WAN,
    admitted,
    config,
    forward,
    hidden,
    outbound,
    rule,
    to,
)
from tests.check.pfsense.goldens import CASES
from tests.check.reading import read_or_told

READ: dict[str, Callable[[Sequence[Printed], Network], Device]] = {
    "pfsense": pfsense.read,
    "opnsense": opnsense.read,
}
EVERYTHING = config(
    forward()
    + forward("8000-8010", "servers", 9000, protocol="tcp/udp", more="<natreflection>enable</natreflection>")
    + forward(53, "127.0.0.1", interface="lan", at="<not/><network>lanip</network>")
    + outbound("hybrid", hidden("lan", "lan", to("servers")), hidden("wan", "any", more="<nonat/>"))
    + "<onetoone><external>203.0.113.8</external><source><address>192.168.1.20</address></source>"
    "<destination><any/></destination><interface>wan</interface></onetoone>"
    "<npt><interface>wan</interface><source><address>fd00::/64</address></source><destination><address>"
    "2001:db8::/64</address></destination></npt>",
    admitted()
    + rule("lan,opt1", kind="block", more="<floating>yes</floating><direction>any</direction>")
    + rule("inside", "<network>opt1</network>", "<not/><address>servers</address><port>web</port>")
    + rule("lan", protocol="icmp", more="<icmptype>echoreq</icmptype><sched>nights</sched>", family="inet46"),
    system=PURE + HELPER + "<webgui><port>8443</port></webgui><ssh><enable>enabled</enable></ssh>",
    interfaces=WAN + LAN + DMZ + LEASED_WAN.replace("wan>", "opt2>"),
    gateways=GATEWAYS,
    more="<aliases><alias><name>servers</name><type>host</type><address>192.168.1.20 web</address></alias>"
    "<alias><name>web</name><type>port</type><address>80 8000:8010</address></alias></aliases>"
    "<ifgroups><ifgroupentry><ifname>inside</ifname><members>lan opt1</members></ifgroupentry></ifgroups>"
    "<staticroutes><route><network>10.5.0.0/16</network><gateway>WANGW</gateway></route></staticroutes>"
    "<virtualip><vip><mode>carp</mode><interface>wan</interface><subnet>203.0.113.8</subnet><subnet_bits>24"
    "</subnet_bits></vip></virtualip><dhcpd><lan><staticmap><ipaddr>192.168.1.20</ipaddr><hostname>web"
    "</hostname></staticmap></lan></dhcpd><bridges><bridged><members>lan,opt1</members><bridgeif>igb0"
    "</bridgeif></bridged></bridges><openvpn><openvpn-server><vpnid>1</vpnid><tunnel_network>10.8.0.0/24"
    "</tunnel_network></openvpn-server></openvpn>",
)
TEXTS = [EVERYTHING, EVERYTHING.replace("pfsense>", "opnsense>"), *(case.read_text() for case in CASES)]
ODD = [
    "", "0", "1", "any", "wan", "wanip", "(self)", "lan,opt1", "servers", "10.0.0.0/8", "10.0.0.1-9.0.0.1",
    "::/0", "fe80::1%igb0", "1-0", "99999", "-1", "١", "x" * 300, "dhcp", "tcp/udp", "inet6", "\t",
    "255.255.255.255/33",
]  # fmt: skip


def read(text: str) -> Device | None:
    """The device, by the reader for it; None: it is refused."""
    read_it = READ["opnsense" if "<opnsense" in text else "pfsense"]
    return read_or_told(lambda: read_it([Printed(text, "config.xml")], Network()))


def written(element: Element) -> str:
    inner = "".join(map(written, element.children)) + escape(element.text)
    return f"<{element.tag}>{inner}</{element.tag}>"


def mutated(text: str, seed: int) -> str:
    """``text`` with a few of its elements changed."""
    chance = random.Random(seed)
    root = xml_places.read(text, "f")
    everyone = [root]
    for one in everyone:
        everyone += one.children
    for _ in range(chance.randint(1, 6)):
        one = chance.choice(everyone)
        match chance.randrange(5):
            case 0:
                one.text = chance.choice(ODD)
            case 1:
                one.children = one.children[1:]
            case 2:
                one.children = one.children + one.children[:2]
            case 3:
                one.tag = chance.choice(everyone[1:]).tag if one is not root else one.tag
            case _:
                one.children = [*one.children, Element(chance.choice(everyone).tag, one.where, {}, "1")]
    return written(root)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_is_mutated_is_read(text: str) -> None:
    assert read(text) is not None


@given(st.integers(0, len(TEXTS) - 1), st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_mutated_trees_end_in_a_device_or_in_errors_with_a_place(which: int, seed: int) -> None:
    read(mutated(TEXTS[which], seed))


@given(st.integers(0, len(TEXTS) - 1), st.integers(0, 5_000), st.integers(0, 40), st.text(max_size=8))
@settings(max_examples=300, deadline=None)
@example(0, 0, 0, "\0")
@example(0, 30, 0, "<!DOCTYPE x [<!ENTITY y 'z'>]>")
@example(0, 200, 0, "\ud800")
def test_mutated_texts_end_in_a_device_or_in_errors_with_a_place(
    which: int, at: int, cut: int, put: str
) -> None:
    text = TEXTS[which]
    read(text[:at] + put + text[at + cut :])


def test_a_large_file_is_read_in_time() -> None:
    rules = "".join(rule("lan", destination=to(f"10.{n >> 8}.{n & 255}.0/24")) for n in range(3_000))
    forwards = "".join(forward(1_000 + n, "192.168.1.20") for n in range(1_000))
    began = time.process_time()

    device = read(config(forwards, rules, system=PURE))

    assert device is not None
    assert device.ruleset.rules > 6_000
    assert time.process_time() - began < 20


def test_names_that_lead_to_each_other_end() -> None:
    everybody = " ".join(f"a{n}" for n in range(200))
    aliases = "".join(
        f"<alias><name>a{n}</name><type>host</type><address>{everybody}</address></alias>" for n in range(200)
    )
    began = time.process_time()

    assert read(config(filters=rule(destination=to("a0")), more=f"<aliases>{aliases}</aliases>")) is not None
    assert time.process_time() - began < 10
