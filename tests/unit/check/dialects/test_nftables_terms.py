"""Terms, and the fields that make them."""

from __future__ import annotations

from splitdns.check.dialects.nftables_terms import ALWAYS, NEVER, Field, Terms, nothing, of_protocol, settled
from splitdns.check.dialects.nftables_values import named
from splitdns.check.rules import AnyOf, Ports, Protocols, Side, Unknown
from splitdns.check.sets import Numbers

FOUR = Terms(frozenset({4}))


def test_both_of_two_terms_are_what_both_ask_once() -> None:
    tcp, six = of_protocol(6), Terms(frozenset({6}), (Unknown("x"),))
    assert tcp & tcp == tcp
    assert ALWAYS & tcp == tcp
    assert (FOUR & six).families == frozenset()
    assert (six & tcp).conditions == (Unknown("x"), Protocols(Numbers.one(6)))
    assert tcp.also(Unknown("y")).conditions[1] == Unknown("y")


def test_nothing_holds_if_there_is_no_alternative() -> None:
    assert AnyOf(()) == NEVER


def test_a_field_means_its_basis_its_families_and_its_conditions() -> None:
    field = Field("x", "x", 4, named({}, 4), nothing, of_protocol(6), families=lambda _: frozenset({4}))
    assert field.holds(Numbers.one(1)) == Terms(frozenset({4}), of_protocol(6).conditions)
    assert field.all == Numbers.of((0, 15))


def test_alternatives_of_other_protocols_fall_away() -> None:
    tcp, other = Protocols(Numbers.one(6)), Protocols(Numbers.one(47))
    ports = Ports(Side.DESTINATION, Numbers.one(53))
    either = AnyOf(((Protocols(Numbers.of((6, 17))), ports), (other, Unknown("x"))))
    assert settled(Terms(conditions=(either, tcp))).conditions == (ports, tcp)
    assert settled(Terms(conditions=(either,))).conditions == (either,)
    assert settled(Terms(conditions=(tcp, NEVER))).conditions == (tcp, NEVER)
    assert settled(Terms(conditions=(AnyOf(either.alternatives, negated=True), tcp))).conditions[1] == tcp
    neither = settled(Terms(conditions=(Protocols(Numbers.one(1)), either))).conditions
    assert neither[1] == NEVER
