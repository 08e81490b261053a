from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.names import from_text
from splitdns.records import Type
from splitdns.serve.horizon import KEPT_S, MAX_SIGHTINGS, MAX_TOKENS, Horizon, Sighting, token_of
from splitdns.view import Match, Policy, View
from splitdns.wire.message import Query, Transport

WHOAMI = from_text("who.example.com.")
TOKEN = "abcdefghij0123456789"
LAN = Match(View("lan", ("inside",), policy=Policy(whoami=WHOAMI)), ip_network("192.168.0.0/16"))


def asked(token: str = TOKEN, qtype: int = Type.A) -> Query:
    name = from_text(f"{token}.who.example.com.")
    return Query(name, name, qtype, transport=Transport.UDP)


def test_who_asked_for_a_token_is_told() -> None:
    horizon = Horizon()
    horizon.note(asked(), LAN, "192.168.1.9", 100.0)
    horizon.note(asked(qtype=Type.AAAA), Match(LAN.view, None), "::ffff:10.0.0.1", 101.0)

    assert horizon.seen(TOKEN, 102.0) == (
        Sighting("192.168.1.9", "lan", "192.168.0.0/16", "udp", Type.A, 100.0),
        Sighting("10.0.0.1", "lan", "any", "udp", Type.AAAA, 101.0),
    )
    assert horizon.seen(TOKEN[::-1], 102.0) == ()


@pytest.mark.parametrize(
    ("name", "token"),
    [
        (f"{TOKEN}.who.example.com.", TOKEN),
        (f"x.{TOKEN}.who.example.com.", None),
        (f"{TOKEN[1:]}.who.example.com.", None),
        (f"{TOKEN * 2}.who.example.com.", None),
        (f"{TOKEN[1:]}-.who.example.com.", None),
        ("who.example.com.", None),
    ],
)
def test_a_token_is_one_label_of_letters_and_digits(name: str, token: str | None) -> None:
    assert token_of(from_text(name), WHOAMI) == token


def test_a_sighting_is_kept_once_and_not_for_long() -> None:
    horizon = Horizon()
    for at_s in (100.0, 130.0):
        horizon.note(asked(), LAN, "192.168.1.9", at_s)

    assert [one.time_s for one in horizon.seen(TOKEN, 100.0 + KEPT_S)] == [100.0]
    assert horizon.seen(TOKEN, 100.1 + KEPT_S) == ()


def test_a_token_that_many_ask_for_keeps_the_first() -> None:
    horizon = Horizon()
    for number in range(MAX_SIGHTINGS + 1):
        horizon.note(asked(), LAN, f"192.168.1.{number}", 100.0)

    assert [one.client for one in horizon.seen(TOKEN, 100.0)] == [
        f"192.168.1.{number}" for number in range(MAX_SIGHTINGS)
    ]


def test_of_many_tokens_the_oldest_is_forgotten() -> None:
    horizon = Horizon()
    tokens = [f"{number:020}" for number in range(MAX_TOKENS + 1)]
    for token in tokens[:-1]:
        horizon.note(asked(token), LAN, "192.168.1.9", 100.0)
    assert horizon.seen(tokens[0], 100.0)
    horizon.note(asked(tokens[-1]), LAN, "192.168.1.9", 100.0)

    assert not horizon.seen(tokens[0], 100.0)
    assert horizon.seen(tokens[1], 100.0)
    assert horizon.seen(tokens[-1], 100.0)
