"""Whatever an edge's XML seems to say, its readers know ``ConfigError`` with a place, and nothing else.

Files are mutated as text, and as XML that stays XML: what stands between two tags becomes another.
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.check.nsx import director
from tests.check.nsx.edges import PUBLIC, WEB, allow, device, dnat, edge, snat, words
from tests.check.reading import read_or_told

MORE = (
    "<routing><staticRouting><defaultRoute><vnic>0</vnic><gatewayAddress>203.0.113.1</gatewayAddress>"
    "</defaultRoute><staticRoutes><route><network>10.9.0.0/16</network><nextHop>10.0.0.2</nextHop></route>"
    "</staticRoutes></staticRouting><bgp><enabled>true</enabled></bgp></routing>"
    "<dhcp><enabled>true</enabled><staticBindings><staticBinding><hostname>web</hostname>"
    "<ipAddress>192.168.1.20</ipAddress></staticBinding></staticBindings></dhcp>"
    "<sslvpnConfig><enabled>true</enabled><serverSettings><port>443</port></serverSettings></sslvpnConfig>"
    "<loadBalancer><enabled>true</enabled><virtualServer><ipAddress>203.0.113.2</ipAddress><port>80</port>"
    "<protocol>http</protocol></virtualServer></loadBalancer>"
)
NAT = (
    dnat(PUBLIC, WEB, ruleTag="1", vnic="0", dnatMatchSourceAddress="192.0.2.0/24", dnatMatchSourcePort="any")
    + dnat(PUBLIC, WEB, "8000-8010", translatedPort="9000-9010")
    + dnat(PUBLIC, WEB, protocol="icmp", icmpType="echo-request")
    + snat("192.168.1.0/24", "203.0.113.2-203.0.113.3", snatMatchDestinationAddress=WEB)
)
RULES = (
    allow("<vnicGroupId>internal</vnicGroupId>", "<exclude>true</exclude><ipAddress>192.0.2.1</ipAddress>")
    + allow(f"<ipAddress>{WEB}</ipAddress><groupingObjectId>ipset-1</groupingObjectId>", service="tcp 80")
    + allow(application="<applicationId>application-1</applicationId>", matchTranslated="true")
)
GROUPS = (
    "<list><ipset><objectId>ipset-1</objectId><value>192.0.2.0/24,2001:db8::1</value></ipset>"
    "<application><objectId>application-1</objectId><element><applicationProtocol>TCP</applicationProtocol>"
    "<value>80,443</value></element></application><applicationGroup><objectId>applicationgroup-1</objectId>"
    "<member><objectId>application-1</objectId></member></applicationGroup></list>"
)
ROUTE = "<Network>10.9.0.0/16</Network><NextHopIp>192.168.1.2</NextHopIp>"
DIRECTOR = director.edge(
    director.FORWARD + director.rule("SNAT", director.ON_WAN, "192.168.1.0/24", PUBLIC),
    director.allow("<Tcp>true</Tcp><Other>esp</Other>", "80-90", SourceIp="internal", DestinationIp=PUBLIC),
    words("StaticRoutingService", StaticRoute=ROUTE),
)
WHOLE = edge(NAT, RULES, MORE)
VALUES = [
    "", "any", "true", "false", "0", "-1", "65536", "9" * 5_000, "192.0.2.1", "2001:db8::1", "10.0.0.0/8",
    "::/0", "0.0.0.0/0", "1-0", "192.0.2.9-192.0.2.1", "0.0.0.0-255.255.255.255", "fe80::1%eth0", "vse",
    "vnic-index-9", "tcp", "icmp", "٣", "a,b", ",", "&lt;", "<a/>", "dnat", "snat", "255.255.255.0",
]  # fmt: skip
CHARACTERS = ["", "<", "&", "\0", "\ud800", "]]>", "<!--"]
_BETWEEN = re.compile(r">([^<>]*)</")
_TAG = re.compile(r"</?(\w+)")


@st.composite
def mutated(draw: st.DrawFn, *, whole: str) -> str:
    """``whole`` with some values replaced, tags renamed, or some characters changed."""
    text = whole
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.integers(0, 5))
        if way < 4 and (places := list(_BETWEEN.finditer(text))):
            at = draw(st.sampled_from(places))
            text = text[: at.start(1)] + draw(st.sampled_from(VALUES)) + text[at.end(1) :]
        elif way == 4:
            names = sorted(set(_TAG.findall(text)))
            old, new = draw(st.sampled_from(names)), draw(st.sampled_from(names))
            text = re.sub(rf"(</?){old}\b", rf"\g<1>{new}", text)
        else:
            at = draw(st.integers(0, len(text)))
            text = text[:at] + draw(st.sampled_from(CHARACTERS)) + text[at + 1 :]
    return text


def check(*texts: str) -> None:
    read_or_told(lambda: device(*texts))


@given(mutated(whole=WHOLE), mutated(whole=GROUPS))
@example(WHOLE, GROUPS)
@example("", "<list/>")
@settings(max_examples=100, deadline=None)
def test_no_edge_is_more_than_an_error(text: str, groups: str) -> None:
    check(text, groups)


@given(mutated(whole=DIRECTOR))
@example(DIRECTOR)
@settings(max_examples=100, deadline=None)
def test_no_edge_of_the_director_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.long
@given(mutated(whole=WHOLE) | mutated(whole=DIRECTOR), mutated(whole=GROUPS))
@settings(max_examples=3_000, deadline=None)
def test_no_edge_of_many_is_more_than_an_error(text: str, groups: str) -> None:
    check(text, groups)


def test_many_rules_are_read_in_bounded_time() -> None:
    started = time.process_time()
    found = device(edge(dnat(PUBLIC, WEB) * 20_000, RULES.partition("\n")[0] * 20_000))
    assert time.process_time() - started < 20
    assert found.ruleset.rules == 40_000


def test_seeds_are_what_an_edge_says() -> None:
    assert device(WHOLE, GROUPS).ruleset.rules == 7
    assert device(DIRECTOR).ruleset.rules == 3
