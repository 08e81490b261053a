"""Special-use names, bytes to bytes: who may recurse is answered here, and nobody upstream hears of it."""

from __future__ import annotations

from pathlib import Path

import dns.flags
import dns.rcode
import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.names import fold, to_text
from tests.serving import SPLIT_CONFIG, World, records

ZONES = {"example.org.zone": "@ 3600 IN SOA ns1 host 1 3600 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"}


def nobody(forward: Forward) -> Reply:
    return Reply(dns.rcode.SERVFAIL)


def world(directory: Path, config: str = SPLIT_CONFIG, zones: dict[str, str] = ZONES) -> World:
    return World(directory, zones, config, nobody)


@pytest.mark.parametrize("client", ["lan", "guest"])
def test_localhost_is_loopback_for_every_view_that_recurses__rfc6761_6_3(client: str, tmp_path: Path) -> None:
    here = world(tmp_path)
    for name in ("localhost.", "App.LocalHost."):
        got = here.ask(name, client=client)
        assert records(got.answer) == [f"{name.lower()} 10800 in a 127.0.0.1"]
    assert records(here.ask("localhost.", "AAAA", client=client).answer) == ["localhost. 10800 in aaaa ::1"]
    assert not here.forwarder.asked


@pytest.mark.parametrize(
    ("asked", "rcode"),
    [
        ("printer.local. A", "NXDOMAIN"),
        ("x.invalid. A", "NXDOMAIN"),
        ("x.test. TXT", "NXDOMAIN"),
        ("facebookcorewwwi.onion. A", "NXDOMAIN"),
        ("nas.home.arpa. A", "NXDOMAIN"),
        ("_dns.resolver.arpa. SVCB", "NOERROR"),
        ("ipv4only.arpa. AAAA", "NOERROR"),
        ("use-application-dns.net. A", "NOERROR"),
    ],
)
def test_nobody_upstream_hears_of_special_names(asked: str, rcode: str, tmp_path: Path) -> None:
    here = world(tmp_path)
    name, rdtype = asked.split()
    got = here.ask(name, rdtype, client="lan")
    assert dns.rcode.to_text(got.rcode()) == rcode
    assert not got.answer
    assert [rrset.rdtype.name for rrset in got.authority] == ["SOA"]
    assert not here.forwarder.asked


def test_who_may_not_recurse_is_refused(tmp_path: Path) -> None:
    here = world(tmp_path)
    for name in ("localhost.", "x.local.", "use-application-dns.net."):
        assert here.ask(name, client="internet").rcode() == dns.rcode.REFUSED


def test_switches_and_rules_and_zones_come_first(tmp_path: Path) -> None:
    rule = "  - {domains: [local], upstreams: [192.0.2.54]}\n"
    off = "special_names: false\ncanaries: {doh: false, private_relay: true}\n"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ruled = world(tmp_path / "a", SPLIT_CONFIG + rule, ZONES | {"home.arpa.zone": ZONES["example.org.zone"]})
    ruled.ask("printer.local.", client="lan")
    assert [to_text(fold(one.name)) for one in ruled.forwarder.asked] == ["printer.local."]
    assert records(ruled.ask("ns1.home.arpa.", client="lan").answer) == ["ns1.home.arpa. 3600 in a 192.0.2.1"]
    switched = world(tmp_path / "b", SPLIT_CONFIG + off)
    switched.ask("x.onion.", client="lan")
    switched.ask("use-application-dns.net.", client="lan")
    assert len(switched.forwarder.asked) == 2
    got = switched.ask("mask.icloud.com.", client="lan")
    assert (got.rcode(), got.answer) == (dns.rcode.NOERROR, [])
    assert len(switched.forwarder.asked) == 2


def test_a_record_of_ours_may_name_a_special_host__semantics_2(tmp_path: Path) -> None:
    zones = {"example.org.zone": ZONES["example.org.zone"] + "@ MX 0 localhost.\n"}
    got = world(tmp_path, zones=zones).ask("example.org.", "MX", client="internet")
    assert records(got.answer) == ["example.org. 3600 in mx 0 localhost."]


def test_special_names_survive_a_reload(tmp_path: Path) -> None:
    here = world(tmp_path)
    assert {view.name: bool(view.policy.built_in) for view in here.loaded.snapshot.views} == {
        "lan": True,
        "vpn": True,
        "guest": True,
        "internet": False,
    }
