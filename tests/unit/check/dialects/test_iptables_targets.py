from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.iptables_targets import TARGETS
from splitdns.check.model import (
    Accept,
    Action,
    Drop,
    Masquerade,
    Netmap,
    Of,
    Opaque,
    Pass,
    Redirect,
    Reject,
    Return,
    SetMark,
    Side,
    Support,
    Translate,
    Untrack,
)
from splitdns.check.sets import Numbers, numbers_of
from tests.check.iptables import action, mistakes, one_rule, table

FROM, TO = Side.SOURCE, Side.DESTINATION
SERVER = numbers_of(ip_address("10.0.0.5"))
SERVERS = Numbers.of((int(ip_address("10.0.0.5")), int(ip_address("10.0.0.9"))))
SIX = numbers_of(ip_address("2001:db8::5"))


def port(*ports: int) -> Numbers:
    return Numbers.of((ports[0], ports[-1]))


CASES: list[tuple[str, str, Action]] = [
    ("filter", "-j ACCEPT", Accept()),
    ("filter", "-j DROP", Drop()),
    ("filter", "-j RETURN", Return()),
    ("filter", "-j REJECT", Reject()),
    ("filter", "-j REJECT --reject-with icmp-port-unreachable", Reject()),
    ("filter", "-p tcp -j REJECT --reject-with tcp-reset", Reject(reset=True)),
    ("nat", "-j DNAT --to-destination 10.0.0.5", Translate(TO, SERVER)),
    ("nat", "-p tcp -j DNAT --to-destination 10.0.0.5:8443", Translate(TO, SERVER, port(8443))),
    ("nat", "-j DNAT --to-destination 10.0.0.5-10.0.0.9 --persistent", Translate(TO, SERVERS)),
    ("nat", "-p tcp -j DNAT --to-destination :8080", Translate(TO, None, port(8080))),
    ("nat", "-p tcp -j DNAT --to-destination 10.0.0.5:80-90", Translate(TO, SERVER, port(80, 90))),
    (
        "nat",
        "-p tcp -m tcp --dport 5000:5010 -j DNAT --to-destination 10.0.0.5:8000-8010/5000",
        Translate(TO, SERVER, port(8000, 8010), base=5000),
    ),
    # a port in the range stays; another becomes its first
    (
        "nat",
        "-p tcp -m tcp --dport 8001:8002 -j DNAT --to-destination 10.0.0.5:8000-8010",
        Translate(TO, SERVER),
    ),
    (
        "nat",
        "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8000-8010",
        Translate(TO, SERVER, port(8000)),
    ),
    (
        "nat",
        "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8000-8010 --random",
        Translate(TO, SERVER, port(8000, 8010)),
    ),
    ("nat", "-j SNAT --to-source 10.0.0.5-10.0.0.9", Translate(FROM, SERVERS)),
    ("nat", "-p tcp -j SNAT --to-source 10.0.0.5:1024-2047", Translate(FROM, SERVER, port(1024, 2047))),
    ("nat", "-j MASQUERADE", Masquerade()),
    ("nat", "-p udp -j MASQUERADE --to-ports 1024-2047 --random", Masquerade(port(1024, 2047))),
    ("nat", "-j REDIRECT", Redirect()),
    ("nat", "-p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128", Redirect(port(3128))),
    ("nat", "-j NETMAP --to 10.0.0.0/24", Netmap(TO, ip_network("10.0.0.0/24"))),
    ("mangle", "-j MARK --set-xmark 0x1/0xff", SetMark(Of.PACKET, 1, 0xFF)),
    ("mangle", "-j MARK --set-mark 0x1/0xf0", SetMark(Of.PACKET, 1, 0xF1)),
    ("mangle", "-j MARK --and-mark 0xff", SetMark(Of.PACKET, 0, 0xFFFFFF00)),
    ("mangle", "-j MARK --or-mark 0x10", SetMark(Of.PACKET, 0x10, 0x10)),
    ("mangle", "-j MARK --xor-mark 0x10", SetMark(Of.PACKET, 0x10, 0)),
    ("mangle", "-j CONNMARK --set-xmark 0x1/0xffffffff", SetMark(Of.CONNECTION, 1)),
    (
        "mangle",
        "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff",
        SetMark(Of.CONNECTION, mask=0xFF, copy_from=Of.PACKET),
    ),
    (
        "mangle",
        "-j CONNMARK --restore-mark --mask 0xff",
        SetMark(Of.PACKET, mask=0xFF, copy_from=Of.CONNECTION),
    ),
    ("mangle", "-j CONNMARK --restore-mark", SetMark(Of.PACKET, copy_from=Of.CONNECTION)),
    ("raw", "-j NOTRACK", Untrack()),
    ("raw", "-j CT --notrack", Untrack()),
    ("raw", "-j CT --helper ftp", Pass()),
]


@pytest.mark.parametrize(("name", "words", "expected"), CASES, ids=[words for _, words, _ in CASES])
def test_a_target_does_this(name: str, words: str, expected: Action) -> None:
    rule, notes = one_rule(words, name=name)

    assert rule.action == expected
    assert [note.support for note in notes] == [Support.IGNORED] * isinstance(expected, Pass)


def test_addresses_of_ipv6_stand_in_brackets_before_a_port() -> None:
    def six(words: str) -> Action:
        return action(words, family=6, name="nat")

    assert six("-j DNAT --to-destination 2001:db8::5") == Translate(TO, SIX)
    assert six("-j DNAT --to-destination [2001:db8::5]") == Translate(TO, SIX)
    assert six("-p tcp -j DNAT --to-destination [2001:db8::5]:80") == Translate(TO, SIX, port(80))
    both = Numbers.of((SIX.first, SIX.first + 4))
    brackets = "[2001:db8::5]-[2001:db8::9]:80"
    assert six(f"-p tcp -j DNAT --to-destination {brackets}") == Translate(TO, both, port(80))
    assert six("-j DNAT --to-destination 2001:db8::5-2001:db8::9") == Translate(TO, both)
    assert six("-p tcp -j DNAT --to-destination :80") == Translate(TO, None, port(80))


@pytest.mark.parametrize(
    "words",
    [
        "-j NFQUEUE --queue-num 0 --queue-bypass",
        "-p tcp -j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",
        "-j CT --zone 5",
        "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf",
        "-j MARK",
    ],
)
def test_targets_that_are_not_modelled_may_do_anything_and_are_named(words: str) -> None:
    rule, (note,) = one_rule(words, name="mangle")

    assert isinstance(rule.action, Opaque)
    assert (note.support, note.origin) == (Support.WIDENED, rule.origin)


def test_targets_that_nobody_knows_may_do_anything_and_are_named() -> None:
    rule, (note,) = one_rule("-j WARP --factor 9")

    assert isinstance(rule.action, Opaque)
    assert (note.support, note.name) == (Support.UNKNOWN, "target WARP")


def test_targets_that_let_pass_are_named() -> None:
    rule, (note,) = one_rule('-m limit --limit 1/sec -j LOG --log-prefix "-j DROP "')

    assert (rule.action, rule.conditions) == (Pass(), ())
    assert (note.support, note.name) == (Support.IGNORED, "target LOG")


MISTAKES = [
    ("-j DNAT", "rules:6:17: expected --to-destination after DNAT, found the end of the line"),
    ("-j DNAT --to-destination 10.0.0.x", "expected an IPv4 address, found '10.0.0.x'"),
    ("-j DNAT --to-destination 10.0.0.9-10.0.0.5", "expected a range from the lower address to the higher"),
    ("-j DNAT --to-destination 10.0.0.5:x", "found '10.0.0.5:x'"),
    ("-j DNAT --to-destination 10.0.0.5:9-8", "expected a range from the lower port to the higher"),
    ("-j DNAT --to-destination :", "expected an IPv4 address, found ':'"),
    ("-j NETMAP --to 10.0.0.0/99", "expected an IPv4 network, found '10.0.0.0/99'"),
    ("-j REDIRECT --to-ports 70000", "expected a port, found '70000'"),
    ("-j ACCEPT -j DROP", "expected one target, found -j"),
]


@pytest.mark.parametrize(("words", "mistake"), MISTAKES)
def test_a_value_that_cannot_be_is_told(words: str, mistake: str) -> None:
    (told,) = mistakes(table(f"-A INPUT {words}", name="nat"))

    assert mistake in told


def test_every_target_is_read_without_options_or_says_which_it_needs() -> None:
    for target in TARGETS:
        told = mistakes(table(f"-A INPUT -j {target}"))
        assert told == [] or "after " + target in told[0]
