"""Who am I to you: bytes to bytes, for clients of every view."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import product
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from splitdns.answer.decide import Forward, Reply
from tests.serving import CLIENTS, SPLIT_CONFIG, World, records

ZONES = {
    "example.com.yaml": """\
zone: example.com
mode: authoritative
ns: [ns1]
records:
  ns1: {A: 192.0.2.1}
  nas: {A: {inside: 192.168.1.20, vpn: 10.8.0.20}}
  me: {CNAME: who}
"""
}
MINE = """\
zone: who.example.com
mode: authoritative
ns: [ns1.example.com.]
records:
  "@": {TXT: mine}
"""
BUILT_IN, OWN = "whoami.splitdns.internal.", "who.example.com."
OWN_CONFIG = SPLIT_CONFIG + "whoami: who.example.com\nidentity: {id: ns1}\n"
TOKEN = "abcdefghij0123456789"


def nobody(forward: Forward) -> Reply:
    return Reply(dns.rcode.NXDOMAIN)


def world(directory: Path, config: str = SPLIT_CONFIG, zones: dict[str, str] = ZONES) -> World:
    here = World(directory, zones, config, nobody)
    assert not here.loaded.faults
    return here


def told(answer: dns.message.Message) -> list[str]:
    (rrset,) = answer.answer
    (rdata,) = rrset
    assert rrset.ttl == 0
    return [one.decode() for one in rdata.strings]


def test_a_client_is_told_who_it_is__semantics_29(tmp_path: Path) -> None:
    here = world(tmp_path, OWN_CONFIG)

    answer = here.ask(OWN, "TXT", client="lan")
    assert answer.flags & dns.flags.AA
    facts = ["view=lan", "client=192.168.1.9", "prefix=192.168.0.0/16", "proto=udp", "server=ns1"]
    assert told(answer) == facts
    assert told(here.ask(OWN, "ANY", client="lan")) == facts
    assert told(here.ask(f"x.y.{OWN}", "TXT", client="vpn", tcp=True)) == [
        "view=vpn",
        "client=10.8.0.9",
        "prefix=10.8.0.0/24",
        "proto=tcp",
        "server=ns1",
    ]


def test_an_address_is_the_client_s_own__semantics_29(tmp_path: Path) -> None:
    here = world(tmp_path)

    def own(rdtype: str, client: str) -> list[str]:
        return records(here.ask(BUILT_IN, rdtype, client=client).answer)

    assert own("A", "lan") == [f"{BUILT_IN} 0 in a 192.168.1.9"]
    assert own("AAAA", "fd00::9") == [f"{BUILT_IN} 0 in aaaa fd00::9"]
    assert own("A", "::ffff:10.8.0.9") == [f"{BUILT_IN} 0 in a 10.8.0.9"]
    for rdtype, client in (("AAAA", "lan"), ("A", "fd00::9"), ("MX", "lan")):
        none = here.ask(BUILT_IN, rdtype, client=client)
        assert none.rcode() == dns.rcode.NOERROR
        assert not none.answer
        (soa,) = none.authority
        assert (soa.rdtype, soa.ttl, soa[0].minimum) == (dns.rdatatype.SOA, 0, 0)
    assert not here.forwarder.asked


def test_nobody_gets_another_s_answer(tmp_path: Path) -> None:
    """The same bytes from many clients of one view, again and again: nothing is kept between them."""
    here = world(tmp_path)
    for rdtype, asked in product(("A", "TXT", "MX"), (BUILT_IN, f"{TOKEN}.{BUILT_IN}")):
        wire = dns.message.make_query(asked, rdtype, id=7).to_wire()
        for client in ("192.168.1.9", "192.168.1.10", "192.168.1.9"):
            answer = dns.message.from_wire(here.ask_bytes(wire, client) or b"")
            if rdtype == "A":
                assert [str(rdata) for rrset in answer.answer for rdata in rrset] == [client]
            elif rdtype == "TXT":
                assert f"client={client}" in told(answer)
    assert [len(view.answers.entries) for view in here.loaded.snapshot.views] == [0, 0, 0, 0]


def test_a_client_subnet_is_not_believed__rfc7871_11(tmp_path: Path) -> None:
    here = world(tmp_path)
    subnet = dns.edns.ECSOption("192.0.2.77", 32)

    answer = here.ask(BUILT_IN, "TXT", client="lan", use_edns=0, options=[subnet])
    assert told(answer)[1] == "client=192.168.1.9"
    assert b"\xc0\x00\x02\x4d" not in answer.to_wire()


def test_it_is_for_views_that_recurse_or_have_the_zone_above__semantics_29(tmp_path: Path) -> None:
    assert world(tmp_path).ask(BUILT_IN, "TXT").rcode() == dns.rcode.REFUSED
    assert told(world(tmp_path, OWN_CONFIG).ask(OWN, "TXT"))[0] == "view=outside"
    nowhere = "whoami: who.example.net\n"
    assert world(tmp_path, SPLIT_CONFIG + nowhere).ask("who.example.net.", "TXT").rcode() == dns.rcode.REFUSED
    off = world(tmp_path, SPLIT_CONFIG + "whoami: null\n")
    assert off.ask(BUILT_IN, "TXT", client="lan").rcode() == dns.rcode.NXDOMAIN
    assert [forward.name for forward in off.forwarder.asked]


@pytest.mark.parametrize("client", ["guest", "internet", "2001:db8::99", "172.16.9.200"])
def test_who_is_outside_learns_its_own_address_and_no_more__semantics_29(client: str, tmp_path: Path) -> None:
    """Whatever is asked, and however: no view's name, no prefix, no other address, no name of the server."""
    here = world(tmp_path, OWN_CONFIG)
    address = ip_address(CLIENTS.get(client, client))
    secrets = [b"lan", b"vpn", b"guest", b"internet", b"prefix", b"ns1=", b"server", b"udp", b"tcp"]
    secrets += [ip_address(one).packed for one in CLIENTS.values() if ip_address(one) != address]
    secrets += [one.encode() for one in CLIENTS.values() if ip_address(one) != address]
    types = ("A", "AAAA", "TXT", "ANY", "MX", "SOA", "NS", "HTTPS", "PTR", "DS", "CNAME", "TYPE65400")
    for asked, rdtype, tcp in product((OWN, f"{TOKEN}.{OWN}", f"a.b.{OWN}"), types, (False, True)):
        answer = here.ask(asked, rdtype, client=client, tcp=tcp)
        assert answer.rcode() == dns.rcode.NOERROR
        wire = answer.to_wire()
        assert [one for one in secrets if one in wire] == []
    assert told(here.ask(OWN, "TXT", client=client)) == ["view=outside", f"client={address}"]
    own = "A" if address.version == 4 else "AAAA"
    assert records(here.ask(OWN, own, client=client).answer) == [f"{OWN} 0 in {own.lower()} {address}"]


def test_the_name_is_there_for_who_asks_for_its_delegation_signer(tmp_path: Path) -> None:
    """The zone above answers for DS and has no such name: its NXDOMAIN would deny everything (RFC 8020)."""
    answer = world(tmp_path, OWN_CONFIG).ask(OWN, "DS", client="lan")

    assert (answer.rcode(), [str(one.name) for one in answer.authority]) == (0, ["example.com."])


def test_an_alias_leads_to_nobody(tmp_path: Path) -> None:
    here = world(tmp_path, OWN_CONFIG)
    for client in ("lan", "vpn"):
        answer = here.ask("me.example.com.", "A", client=client)
        assert [rrset.rdtype for rrset in answer.answer] == [dns.rdatatype.CNAME]


def test_other_classes_transfers_and_strange_versions_are_refused_as_ever(tmp_path: Path) -> None:
    here = world(tmp_path)
    assert here.ask(BUILT_IN, "TXT", client="lan", rdclass="CH").rcode() == dns.rcode.REFUSED
    assert here.ask(BUILT_IN, "AXFR", client="lan", tcp=True).rcode() == dns.rcode.REFUSED
    assert here.ask(BUILT_IN, "TXT", client="lan", use_edns=1).rcode() == dns.rcode.BADVERS


def test_a_zone_of_that_name_is_the_person_s_own__semantics_13(tmp_path: Path) -> None:
    own = {**ZONES, "who.example.com.yaml": MINE}
    answer = world(tmp_path, OWN_CONFIG, own).ask(OWN, "TXT", client="lan")

    assert [str(rdata) for rrset in answer.answer for rdata in rrset] == ['"mine"']


def test_what_a_zone_has_at_the_name_is_warned_of(tmp_path: Path) -> None:
    aliased = {"example.com.yaml": ZONES["example.com.yaml"].replace("  nas:", "  a.who:")}
    zone = {**ZONES, "who.example.com.yaml": MINE}

    for files, said in (
        (aliased, "example.com.yaml has the name too: nothing of it is served, nor beneath it"),
        (zone, "who.example.com.yaml), where nobody is told who it is"),
        (ZONES, ""),
    ):
        (directory := tmp_path / str(len(said))).mkdir()
        warned = [str(one) for one in world(directory, OWN_CONFIG, files).loaded.warnings]
        warned = [one for one in warned if "splitdns.yaml:11:9: warning: who.example.com.: " in one]
        assert [said in one for one in warned] == [True] * bool(said)
