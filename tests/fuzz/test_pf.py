"""Whatever a pf.conf, ifconfig or netstat seems to say, it is read, or it is an error with a place."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.ifconfig import read as ifconfig
from splitdns.check.dialects.pf import read as pf
from splitdns.check.dialects.pf.words import MAX_WORDS
from splitdns.check.dialects.printed import Printed
from tests.check.pf import IFCONFIG, NETWORK
from tests.check.reading import read_or_told

OPENBSD = """\
# a gateway
ext = "egress"
nets = "{ 10/8, 192.168.1.0/24 !192.168.1.9 }"
table <bad> const { 192.0.2.0/24, !192.0.2.9, 2001:db8::/32, em1:network } counters
table <more> persist file "/etc/more"
set block-policy return
set skip on { lo em3 }
set limit states 100000
include "/etc/pf.more"
match in all scrub (no-df max-mss 1440)
antispoof quick for { lo em1 } inet
block log all
match out on $ext inet from $nets to !($ext:network) nat-to ($ext:0) static-port
match in on $ext inet proto tcp to ($ext) port { 80 8000:8010 > 9000 1 >< 5 } rdr-to 10.0.0.5 port 80:* \\
    tag WEB
pass in quick on ! em1 inet6 proto ipv6-icmp icmp6-type { echoreq, unreach code 1 } \\
    keep state (max 5, overload <bad>)
pass out proto { tcp udp } from any port != 53 to 10.0.0.1 - 10.0.0.9 flags S/SA modulate state \\
    label "x" queue (a, b) set prio (5, 6)
anchor "web" quick in on em0 proto tcp tagged WEB {
  pass in from urpf-failed user root probability 50%
  block return-rst out received-on em1
  anchor { pass no state }
}
anchor "ftp-proxy/*"
match on egress inet from 10.0.0.7 binat-to 203.0.113.9
pass in inet proto tcp divert-to 127.0.0.1 port 8021
"""
FREEBSD = """\
ext_if = "em0"
scrub in on $ext_if all fragment reassemble
nat on $ext_if inet from em1:network to any -> ($ext_if) port 1024:65535
no rdr on em1 proto tcp from any to any
rdr pass on $ext_if inet proto tcp from any to ($ext_if) port 80:90 \\
    -> { 10.0.0.5 10.0.0.6 } port 8080:* round-robin
binat on $ext_if inet from 10.0.0.0/28 to any -> 203.0.113.16/28
rdr-anchor "miniupnpd"
load anchor x from "/etc/x"
pass in on em0 route-to (em1 10.0.0.1) inet proto { tcp, udp } from <t> to <t> tagged A
block return-icmp(3) in quick log (all) from no-route
"""
ROUTES = """\
Routing tables

Internet:
Destination        Gateway            Flags   Refs      Use   Mtu  Prio Iface
default            203.0.113.1        UGS        5       12     -     8 em0
10.8/16            192.168.1.9        UGS        0        0     -     8 em1
"""
PIECES = [
    "", " ", "\n", "\\\n", "{", "}", "(", ")", "<", ">", "!", "=", ",", '"', "'", "#", "$", "$ext", "$ext_if",
    "->", "!=", "><", ":", "/", "-", "0", "65536", "99999999999999999999", "any", "pass", "block", "match",
    "rdr", "nat", "anchor", "table", "include", "port", "to", "from", "on", "quick", "rdr-to", "nat-to",
    "<t>", "::1", "192.0.2.1", "192.0.2.0/33", "em0:network", "(em0)", "egress", "self", "\0", "\ud800",
    "é", "\u0663", "{" * 50,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, whole: str) -> str:
    """``whole`` with some pieces put in, taken away, doubled or moved."""
    text = whole
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        until = min(len(text), at + draw(st.integers(0, 12)))
        how = draw(st.integers(0, 2))
        piece = draw(st.sampled_from(PIECES)) if how < 2 else text[at : at + draw(st.integers(0, 80))]
        text = text[:at] + piece + text[at if how == 0 else until :]
    return text


def check(text: str) -> None:
    texts = [Printed(text, "f"), Printed("10.0.0.1\n!10.0.0.2\n", "more"), Printed("pass\n", "pf.more")]
    read_or_told(lambda: pf.read(texts, NETWORK))


def check_network(text: str, routes: str) -> None:
    read_or_told(lambda: ifconfig.read([Printed(text, "f")], [Printed(routes, "g")]))


@given(mutated(OPENBSD) | mutated(FREEBSD))
@example(OPENBSD)
@example(FREEBSD)
@example("")
@settings(max_examples=150, deadline=None)
def test_no_pf_conf_is_more_than_an_error(text: str) -> None:
    check(text)


@given(mutated(IFCONFIG), mutated(ROUTES))
@settings(max_examples=150, deadline=None)
def test_no_network_is_more_than_an_error(text: str, routes: str) -> None:
    check_network(text, routes)


@pytest.mark.long
@given(mutated(OPENBSD) | mutated(FREEBSD))
@settings(max_examples=3_000, deadline=None)
def test_no_pf_conf_of_many_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.long
@given(mutated(IFCONFIG), mutated(ROUTES))
@settings(max_examples=3_000, deadline=None)
def test_no_network_of_many_is_more_than_an_error(text: str, routes: str) -> None:
    check_network(text, routes)


@pytest.mark.parametrize(
    "text",
    [
        "pass on " + "{" * 100_000,
        "pass from " + "{ !em0 " * 5_000,
        "anchor {\n" * 5_000,
        "anchor on { !em0 !em1 !em2 } {\n" * 60 + "pass\n" + "}\n" * 60,
        "anchor quick {\n" * 60 + "pass\n" * 200 + "}\n" * 60,
        'a = "$b $b $b $b $b $b $b $b"\n' + "b = $a$a$a$a$a$a\n" * 20 + "pass on { $b }\n",
        "table <t> const { " + "192.0.2.1 " * MAX_WORDS + "}\npass\n" * 9,
        "pass in quick on { em0 !em1 } to <t> tag A tagged B\n" * 20_000,
        'include "f"\n',
        "match in inet rdr-to 10.0.0.5\n" * 31 + "pass\n",
    ],
    ids=range(10),
)
def test_what_is_much_or_deep_ends_soon(text: str) -> None:
    started = time.process_time()
    check(text)
    assert time.process_time() - started < 20


def test_a_large_table_is_read_in_bounded_time() -> None:
    entries = "\n".join(f"10.{n >> 14}.{n >> 6 & 255}.{n * 4 & 255}" for n in range(60_000))
    text = 'table <t> const file "/etc/t"\n' + "block in from <t>\n" * 50
    started = time.process_time()
    device = pf.read([Printed(text, "pf.conf"), Printed(entries, "t")], NETWORK)
    assert time.process_time() - started < 20
    assert device.ruleset.rules == 50
