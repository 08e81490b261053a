from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.answer.whoami import told
from splitdns.names import from_text
from splitdns.records import Rcode, Type
from splitdns.view import Match, View
from splitdns.wire.message import Answer, Query, Transport

NAME = from_text("who.example.com.")
LAN = Match(View("lan", ("inside",)), ip_network("192.168.0.0/16"))
WORLD = Match(View("world", ("outside",)), None)


def strings(match: Match, client: str = "192.168.1.9", server_id: str | None = None) -> list[str]:
    query = Query(NAME, NAME, Type.TXT, transport=Transport.TCP)
    (record,) = told(Answer(), query, match, client, server_id).answer
    (rdata,) = record.rdatas
    found = []
    while rdata:
        found.append(rdata[1 : 1 + rdata[0]].decode())
        rdata = rdata[1 + rdata[0] :]
    return found


def test_inside_everything_is_told_and_outside_the_address() -> None:
    inside = ["view=lan", "client=192.168.1.9", "prefix=192.168.0.0/16", "proto=tcp"]

    assert strings(LAN) == inside
    assert strings(LAN, server_id="a" * 255) == [*inside, f"server={'a' * 248}"]
    assert strings(Match(LAN.view, None))[2] == "prefix=any"
    assert strings(WORLD, "2001:db8::1", "ns1") == ["view=outside", "client=2001:db8::1"]


@pytest.mark.parametrize(
    ("client", "rdtype", "rdata"),
    [
        ("192.168.1.9", Type.A, b"\xc0\xa8\x01\x09"),
        ("::ffff:192.168.1.9", Type.A, b"\xc0\xa8\x01\x09"),
        ("fe80::1%eth0", Type.AAAA, bytes.fromhex("fe80" + "0" * 27 + "1")),
    ],
)
def test_an_inside_address_is_told_to_who_has_it_outside_too(client: str, rdtype: Type, rdata: bytes) -> None:
    answer = told(Answer(), Query(NAME, NAME, rdtype), WORLD, client, None)

    assert [record.rdatas for record in answer.answer] == [(rdata,)]
    assert (answer.remember, answer.stripped) == (False, 0)


def test_what_is_no_answer_stays_one_and_is_not_remembered() -> None:
    mx, txt = Query(NAME, NAME, Type.MX), Query(NAME, NAME, Type.TXT)

    assert told(Answer(), mx, LAN, "192.168.1.9", None) == Answer(remember=False)
    refused = Answer(Rcode.REFUSED)
    assert told(refused, txt, LAN, "192.168.1.9", None) == refused._replace(remember=False)
    assert told(Answer(Rcode.NXDOMAIN), mx, LAN, "192.168.1.9", None).rcode == Rcode.NOERROR
