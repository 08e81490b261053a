from __future__ import annotations

import pytest

from splitdns.check.dialects.iptables_matches import MATCHES, WIDENED
from splitdns.check.model import (
    Addresses,
    AnyOf,
    Condition,
    IcmpTypes,
    Protocols,
    Support,
    Unknown,
)
from splitdns.check.sets import ADDRESSES4
from tests.check.iptables import conditions, mistakes, one_rule, table
from tests.check.iptables.cases import FROM, RANGE, TO, only
from tests.check.iptables.cases import MATCHES as CASES


@pytest.mark.parametrize(("words", "expected"), CASES, ids=[words for words, _ in CASES])
def test_a_match_means_these_conditions(words: str, expected: list[Condition]) -> None:
    rule, notes = one_rule(f"{words} -j ACCEPT")

    assert list(rule.conditions) == expected
    assert notes == ()


def test_icmp_of_ipv6_has_numbers_of_its_own() -> None:
    expected = [Protocols(only(58)), IcmpTypes(only(128))]

    assert conditions("-p ipv6-icmp -m icmp6 --icmpv6-type 128", family=6) == expected
    assert conditions("-p icmpv6 --icmpv6-type echo-request", family=6) == expected


def test_a_code_of_icmp_is_more_than_is_modelled() -> None:
    code = Unknown("icmp code: code 4 of type 3 is not modelled")

    assert conditions("-p icmp --icmp-type 3/4")[1:] == [IcmpTypes(only(3)), code]
    (_, negated) = conditions("-p icmp ! --icmp-type fragmentation-needed")
    assert isinstance(negated, AnyOf)
    assert negated.negated


@pytest.mark.parametrize("match", sorted(WIDENED))
def test_what_is_not_modelled_may_hold_and_is_named(match: str) -> None:
    rule, (note,) = one_rule(f"-m {match} --some 1 --thing -j ACCEPT")

    assert rule.conditions == (Unknown(f"{match}: {WIDENED[match]}"),)
    assert (note.support, note.name, note.origin) == (Support.WIDENED, match, rule.origin)


@pytest.mark.parametrize(
    "words", ["-m futuristic ! --warp 9", "-p tcp -m tcp --warp 9", "-m conntrack --ctwarp 9"]
)
def test_what_nobody_knows_may_hold_and_is_named(words: str) -> None:
    rule, (note,) = one_rule(f"{words} -j ACCEPT")

    assert any(isinstance(one, Unknown) for one in rule.conditions)
    assert note.support is Support.UNKNOWN


@pytest.mark.parametrize(
    "words",
    [
        "-p tcp --dport gopherd-of-old",
        "-p tcp -m multiport --ports gopherd-of-old",
        "-m conntrack --ctorigdst host.example.org",
        "-m conntrack --ctorigdstport gopherd-of-old",
        "-m conntrack --ctproto fancy",
        "-m conntrack --ctstatus ASSURED",
        "-m conntrack --ctreplsrc 192.0.2.1",
        "-m conntrack --ctexpire 10",
        "-m addrtype --limit-iface-out",
        "-m pkttype --pkt-type otherhost",
        "-p tcp --tcp-option 2",
        "-m set --match-set black src",
    ],
)
def test_options_that_are_not_modelled_may_hold_and_are_named(words: str) -> None:
    rule, (note,) = one_rule(f"{words} -j ACCEPT")

    assert any(isinstance(one, Unknown) for one in rule.conditions)
    assert note.support is Support.WIDENED


SETS = """\
create black hash:net family inet hashsize 1024 maxelem 65536
add black 192.0.2.8/29
"""


def test_sets_are_looked_up() -> None:
    assert conditions("-m set --match-set black src", sets=SETS) == [Addresses(FROM, RANGE)]
    assert conditions("-m set ! --match-set black dst", sets=SETS) == [Addresses(TO, ADDRESSES4 - RANGE)]
    assert isinstance(conditions("-m set --match-set black src --return-nomatch", sets=SETS)[0], Unknown)


def test_a_set_that_rules_write_to_may_hold_anything() -> None:
    words = "-m set --match-set black src -j SET --add-set black dst"
    lines = "-m set --match-set black src -j ACCEPT\n-A mine -j SET --add-set black dst"

    rule, notes = one_rule(lines, sets=SETS)

    assert isinstance(rule.conditions[0], Unknown)
    assert [note.name for note in notes] == ["set", "target SET"]
    assert one_rule(words, sets=SETS)[0].conditions == ()


MISTAKES = [
    ("-p tcp --dport", "expected a value after --dport, found none"),
    ("-p tcp --dport 80 81", "expected one value after --dport, found '81'"),
    ("-p tcp --dport 70000", "expected a port, found '70000'"),
    ("-p tcp --dport 80,", "expected a port, found '80,'"),
    ("-p tcp --dport :", "expected a port, found ':'"),
    ("-p tcp --tcp-flags SYN", "expected --tcp-flags MASK SET, found --tcp-flags SYN"),
    ("-p tcp --tcp-flags SYN BIN", "expected flags of TCP, found 'BIN'"),
    ("-p icmp --icmp-type 300", "expected a type of ICMP, found '300'"),
    ("-p icmp --icmp-type 3/x", "expected a code of ICMP, found '3/x'"),
    ("-m iprange --src-range 192.0.2.9-192.0.2.1", "expected a range from the lower address to the higher"),
    ("-m addrtype --dst-type HOME", "expected kinds of addresses like LOCAL, found 'HOME'"),
    ("-m conntrack --ctstate OLD", "expected states of a connection like NEW,ESTABLISHED, found 'OLD'"),
    ("-m conntrack --ctdir BACK", "expected ORIGINAL or REPLY, found 'BACK'"),
    ("-m mark --mark 0x100000000", "expected a mark of 32 bits, found '0x100000000'"),
    ("-m set --match-set black", "expected --match-set NAME src|dst,…, found --match-set black"),
    ("-m set --match-set black left", "expected src or dst for each part of an element, found 'left'"),
]


@pytest.mark.parametrize(("words", "mistake"), MISTAKES)
def test_a_value_that_cannot_be_is_told(words: str, mistake: str) -> None:
    (told,) = mistakes(table(f"-A INPUT {words}"))

    assert mistake in told


def test_every_reader_of_a_match_has_a_case() -> None:
    words = " ".join([words for words, _ in CASES])
    unseen = [match for match in MATCHES if f"-m {match} " not in words and f"-p {match} " not in words]

    assert unseen == ["udplite", "dccp", "icmp6", "ipv6-icmp", "icmpv6", "set"]
