"""What is learnt of an upstream, and for how long."""

from __future__ import annotations

import random

from splitdns.forward.traits import LEARNT_FOR_S, MAX_KNOWN, Known, Traits
from splitdns.view import Upstream

ONE = Upstream("192.0.2.1")
CLIENT, SERVER = b"8 octets", b"of the server"


def test_at_first_everything_is_asked_for() -> None:
    manner = Traits(CLIENT).manner(0.0)
    assert (manner.spelled, manner.edns, manner.cookie) == (True, True, CLIENT)


def test_what_is_learnt_holds_for_an_hour() -> None:
    traits = Traits(CLIENT)
    traits.mangles_case(100.0)
    traits.lacks_edns(100.0)
    learnt, later = traits.manner(99.9 + LEARNT_FOR_S), traits.manner(100.0 + LEARNT_FOR_S)
    assert (learnt.spelled, learnt.edns, learnt.cookie) == (False, False, b"")
    assert (later.spelled, later.edns, later.cookie) == (True, True, CLIENT)


def test_one_that_has_answered_with_edns_does_not_lack_it() -> None:
    traits = Traits(CLIENT)
    traits.knows_edns = True
    traits.lacks_edns(100.0)
    assert traits.manner(101.0).edns


def test_cookies_are_ours_or_they_are_not__rfc7873_5_3() -> None:
    traits = Traits(CLIENT)
    assert traits.accepts(b""), "it may not know cookies"
    assert not traits.accepts(b"others'!" + SERVER)
    assert traits.accepts(CLIENT), "a server may leave its own out"
    assert traits.accepts(b"")
    assert traits.accepts(CLIENT + SERVER)
    assert traits.manner(0.0).cookie == CLIENT + SERVER
    assert not traits.accepts(b"")
    assert not traits.accepts(CLIENT[:7])
    assert traits.accepts(CLIENT + SERVER[::-1])
    assert traits.manner(0.0).cookie == CLIENT + SERVER[::-1]
    traits.forget_cookie()
    assert traits.accepts(b"")


def test_a_server_cookie_has_8_to_32_octets__rfc7873_4() -> None:
    for octets, kept in ((7, False), (8, True), (32, True), (33, False)):
        traits = Traits(CLIENT)
        assert traits.accepts(CLIENT + bytes(octets))
        assert (len(traits.manner(0.0).cookie) == 8 + octets) == kept


def test_each_upstream_has_a_client_cookie_of_its_own__rfc9018_3() -> None:
    known = Known(random.Random(1))
    assert known.of(ONE) is known.of(ONE)
    assert known.of(ONE).client_cookie != known.of(Upstream("192.0.2.2")).client_cookie


def test_no_more_upstreams_are_known_than_fit() -> None:
    known = Known(random.Random(1))
    first = known.of(ONE)
    for number in range(MAX_KNOWN - 1):
        known.of(Upstream("192.0.2.2", number))
    assert known.of(ONE) is first
    known.of(Upstream("192.0.2.3"))
    assert known.of(ONE) is not first
