"""What rules do."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.model import (
    Accept,
    Action,
    Drop,
    Jump,
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
    Translate,
    Untrack,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses
from tests.check.routeros import USUAL, chain, usual, wrong

TO = Side.DESTINATION
NET = "10.1.0.0/24"


@pytest.mark.parametrize(
    ("table", "words", "expected"),
    [
        ("filter", "chain=forward", Accept()),
        ("filter", "chain=forward action=drop", Drop()),
        ("filter", "chain=forward action=tarpit", Drop()),
        ("filter", "chain=forward action=reject reject-with=tcp-reset", Reject(reset=True)),
        ("filter", "chain=forward action=reject reject-with=icmp-admin-prohibited", Reject()),
        ("filter", "chain=forward action=return", Return()),
        ("filter", "chain=forward action=jump jump-target=mine", Jump("mine")),
        ("filter", "chain=forward action=fasttrack-connection", Pass()),
        ("filter", "chain=forward action=dance", Opaque("action dance is not known here")),
        ("raw", "chain=prerouting action=notrack", Untrack()),
        ("nat", "chain=dstnat action=dst-nat to-addresses=10.0.0.1", Translate(TO, addresses("10.0.0.1"))),
        ("nat", "chain=dstnat action=dst-nat to-ports=80", Translate(TO, None, Numbers.one(80))),
        ("nat", "chain=dstnat action=dst-nat to-addresses=0.0.0.0 to-ports=80",
         Translate(TO, None, Numbers.one(80))),
        ("nat", "chain=dstnat action=dst-nat to-addresses=10.0.0.1-10.0.0.2 to-ports=80",
         Translate(TO, addresses("10.0.0.1-10.0.0.2"), Numbers.one(80))),
        ("nat", "chain=srcnat action=src-nat to-addresses=192.0.2.1",
         Translate(Side.SOURCE, addresses("192.0.2.1"))),
        ("nat", "chain=srcnat action=same to-addresses=192.0.2.0/30",
         Translate(Side.SOURCE, addresses("192.0.2.0/30"))),
        ("nat", "chain=srcnat action=masquerade to-ports=1024-2047", Masquerade(Numbers.of((1024, 2047)))),
        ("nat", "chain=dstnat action=redirect to-ports=53", Redirect(Numbers.one(53))),
        ("nat", f"chain=dstnat action=netmap to-addresses={NET}", Netmap(TO, ip_network(NET))),
        ("nat", "chain=srcnat action=netmap to-addresses=10.1.0.0-10.1.0.255",
         Netmap(Side.SOURCE, ip_network(NET))),
        ("nat", "chain=srcnat action=endpoint-independent-nat",
         Opaque("who may answer through it is not modelled")),
        ("mangle", "chain=prerouting action=mark-connection new-connection-mark=a",
         SetMark(Of.CONNECTION, 1)),
        ("mangle", "chain=prerouting action=mark-packet new-packet-mark=a", SetMark(Of.PACKET, 1, 0xFFFF)),
        ("mangle", "chain=prerouting action=change-mss new-mss=clamp-to-pmtu", Pass()),
    ],
)  # fmt: skip
def test_an_action_is_one_of_the_model(table: str, words: str, expected: Action) -> None:
    found = usual(f"/ip firewall {table}", f"add {words}")
    name = words.partition(" ")[0].removeprefix("chain=")

    assert chain(found, name, f"routeros {table}").rules[0].action == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("chain=dstnat action=dst-nat to-addresses=x", "an IPv4 address, range or prefix as to-addresses"),
        ("chain=dstnat action=netmap to-addresses=10.0.0.1-10.0.0.9", "a prefix as to-addresses"),
        ("chain=dstnat action=redirect to-ports=x", "numbers like 80,443,8000-8100 as to-ports"),
        ("chain=dstnat action=jump", "the name of a chain as jump-target"),
        ("chain=dstnat action=mark-packet", "a mark's name as new-packet-mark"),
        ("action=accept", "a chain, found none"),
    ],
)
def test_what_an_action_needs_is_told(words: str, expected: str) -> None:
    (message,) = wrong(f"{USUAL}/ip firewall nat\nadd {words}")

    assert f"expected {expected}" in message


def test_netmap_in_a_chain_of_one_s_own_may_map_either_side() -> None:
    found = usual("/ip firewall nat\nadd chain=mine action=netmap to-addresses=10.0.0.0/24")

    assert isinstance(chain(found, "mine").rules[0].action, Opaque)
