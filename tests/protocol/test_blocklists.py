"""Lists of names, bytes to bytes: what is not asked upstream, whoever leads there."""

from __future__ import annotations

import os
from pathlib import Path

import dns.edns
import dns.flags
import dns.rcode
import dns.rdatatype
import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.daemon import generation
from splitdns.explain.question import explain
from splitdns.load.load import load
from splitdns.metrics import DROPS
from splitdns.names import fold, from_text, to_text, wire_from_text
from splitdns.records import RRset, Type
from splitdns.wire.message import Query
from tests.serving import CLIENTS, SPLIT_CONFIG, World, records

ZONES = {
    "example.org.yaml": """
zone: example.org
ns: [ns1]
records:
  ns1:   {A: 192.168.1.2}
  ads:   {A: {inside: 192.168.1.7}}
  alias: {CNAME: ads.example.}
"""
}
LISTS = {
    "ads.txt": "||ads.example^\n||tracker.example^\n@@||good.tracker.example^\n",
    "own.txt": "ads.example.org\n*.example.org\n",
    "kids.txt": "games.example\n",
    "policy.rpz": """
$TTL 60
@ SOA ns. host. 1 1 1 1 1
search.example CNAME safe.search.example.
walled.example A 198.51.100.80
silent.example CNAME rpz-drop.
slow.example   CNAME rpz-tcp-only.
nas.example    CNAME ads.example.org.
*.ads.example  CNAME rpz-passthru.
""",
}
CONFIG = (
    SPLIT_CONFIG
    + """
blocklists:
  - {file: ads.txt}
  - {file: own.txt}
  - {file: policy.rpz}
  - {file: kids.txt, views: [vpn], action: ["0.0.0.0", "::"]}
"""
)
ALIASES = {"cloaked.example.": "x.ads.example.", "shop.good.tracker.example.": "x.ads.example."}


def upstream(forward: Forward) -> Reply:
    """Every name has one address; some are aliases."""
    name, rrsets = forward.name, []
    if (target := ALIASES.get(to_text(fold(name)))) is not None:
        rrsets.append(RRset(name, Type.CNAME, 60, (wire_from_text(target),)))
        name = rrsets[0].rdatas[0]
    return Reply(dns.rcode.NOERROR, (*rrsets, RRset(name, Type.A, 60, (b"\xc6\x33\x64\1",))))


@pytest.fixture
def world(tmp_path: Path) -> World:
    for name, text in LISTS.items():
        (tmp_path / name).write_text(text)
    return World(tmp_path, ZONES, CONFIG, upstream)


def asked(world: World) -> list[str]:
    return [to_text(fold(one.name)) for one in world.forwarder.asked]


@pytest.mark.parametrize("name", ["ads.example.", "a.b.ads.example.", "Tracker.Example."])
def test_a_blocked_name_does_not_exist_and_nobody_is_asked(name: str, world: World) -> None:
    for _ in range(2):
        got = world.ask(name, client="lan", use_edns=0)
        assert (got.rcode(), got.answer) == (dns.rcode.NXDOMAIN, [])
        assert [rrset.rdtype.name for rrset in got.authority] == ["SOA"]
        assert not got.flags & (dns.flags.AA | dns.flags.AD)
        (option,) = got.options
        assert isinstance(option, dns.edns.EDEOption)
        assert (option.code, option.text) == (dns.edns.EDECode.BLOCKED, "by the list ads")
    assert asked(world) == []
    assert [key[8] for key in world.counts.requests] == ["blocklist"], "the second time, too"


def test_an_exception_of_any_list_wins_and_holds_for_the_aliases_that_follow(world: World) -> None:
    assert len(records(world.ask("good.tracker.example.", client="lan").answer)) == 1
    assert len(records(world.ask("shop.good.tracker.example.", client="lan").answer)) == 2


def test_an_alias_does_not_hide_a_blocked_name(world: World) -> None:
    got = world.ask("cloaked.example.", client="lan")
    assert got.rcode() == dns.rcode.NXDOMAIN
    assert records(got.answer) == ["cloaked.example. 60 in cname x.ads.example."]


def test_a_name_of_ours_is_never_blocked_and_our_alias_is_followed_so_far(world: World) -> None:
    assert records(world.ask("ads.example.org.", client="lan").answer) == [
        "ads.example.org. 60 in a 192.168.1.7"
    ]
    got = world.ask("alias.example.org.", client="lan")
    assert got.rcode() == dns.rcode.NXDOMAIN
    assert records(got.answer) == ["alias.example.org. 3600 in cname ads.example."]


def test_a_view_has_its_own_lists_and_addresses_reach_it(world: World) -> None:
    name = "games.example."
    assert records(world.ask(name, client="vpn").answer) == [f"{name} 60 in a 0.0.0.0"]
    assert records(world.ask(name, "AAAA", client="vpn").answer) == [f"{name} 60 in aaaa ::"]
    assert world.ask(name, "MX", client="vpn").rcode() == dns.rcode.NOERROR
    assert records(world.ask(name, client="lan").answer) == [f"{name} 60 in a 198.51.100.1"]


@pytest.mark.parametrize("client", ["lan", "guest"])
def test_a_response_policy_zone_rewrites(client: str, world: World) -> None:
    assert records(world.ask("search.example.", client=client).answer) == [
        "safe.search.example. 60 in a 198.51.100.1",
        "search.example. 60 in cname safe.search.example.",
    ]
    walled = world.ask("walled.example.", client=client)
    assert records(walled.answer) == ["walled.example. 60 in a 198.51.100.80"]
    truncated = world.ask("slow.example.", client=client)
    assert truncated.flags & dns.flags.TC
    assert not truncated.answer
    assert len(records(world.ask("slow.example.", client=client, tcp=True).answer)) == 1


def test_a_dropped_query_gets_no_answer_and_is_counted(world: World) -> None:
    for count in (1, 2):
        with pytest.raises(AssertionError, match="no answer"):
            world.ask("silent.example.", client="lan")
        assert world.counts.value(DROPS, "blocklist") == count


def test_who_may_not_recurse_is_refused_as_ever(world: World) -> None:
    assert world.ask("ads.example.", client="internet").rcode() == dns.rcode.REFUSED


def test_without_rd_nothing_would_be_forwarded_and_nothing_is_blocked(world: World) -> None:
    assert world.ask("ads.example.", client="lan", rd=False).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("name", ["ads.example.", "search.example.", "cloaked.example.", "walled.example."])
def test_the_tale_knows_who_blocked(name: str, world: World) -> None:
    query = Query(wire_from_text(name), from_text(name), Type.A, rd=True)
    told = explain(world.loaded.snapshot, query, "192.168.1.9", ask=upstream)
    assert any("list" in hop.matched for hop in told.hops)


@pytest.mark.parametrize(("client", "aliases"), [("lan", 1), ("guest", 0)])
def test_no_list_leads_a_view_to_a_name_of_others__semantics_2(
    client: str, aliases: int, world: World
) -> None:
    got = world.ask("nas.example.", client=client)
    assert got.rcode() == dns.rcode.NOERROR
    assert sum(rrset.rdtype == dns.rdatatype.CNAME for rrset in got.answer) == aliases
    query = Query(wire_from_text("nas.example."), from_text("nas.example."), Type.A, rd=True)
    told = explain(world.loaded.snapshot, query, CLIENTS[client], ask=upstream)
    assert [one.rdtype for one in told.stripped] == [Type.CNAME] * (1 - aliases)


def test_lists_reach_the_workers_and_an_unchanged_one_is_not_sent_again(world: World, tmp_path: Path) -> None:
    def sent(former: object, loaded: object) -> tuple[generation.Package, int]:
        with (tmp_path / "memory").open("w+b") as file:
            generation.write(file, loaded, former)  # type: ignore[arg-type]
            file.flush()
            file.seek(0)
            package = generation.read(_duplicate(file))
            assert isinstance(package, generation.Package)
            for _ in package.portions():
                pass
            return package, file.seek(0, 2)

    (tmp_path / "kids.txt").write_text("\n".join(f"game{number}.example" for number in range(5000)))
    first = load(tmp_path / "splitdns.yaml", generation=1, now_s=1.0)
    package, whole = sent(None, first)
    received = package.loaded(None)
    view = received.snapshot.view("vpn")
    assert view is not None
    assert [one.name for one in view.policy.lists] == ["ads", "ads", "own", "policy", "kids"]
    (tmp_path / "ads.txt").write_text("||other.example^\n")
    second = load(tmp_path / "splitdns.yaml", previous=received, generation=2, now_s=2.0)
    package, changed = sent(received, second)
    assert changed < whole / 5
    after = package.loaded(received).snapshot.view("vpn")
    assert after is not None
    assert after.policy.lists[-1].names is view.policy.lists[-1].names
    assert [one.name for one in after.policy.lists] == ["ads", "own", "policy", "kids"]


def _duplicate(file: object) -> int:
    return os.dup(file.fileno())  # type: ignore[attr-defined]


def test_a_list_is_watched(world: World, tmp_path: Path) -> None:
    assert tmp_path / "ads.txt" in world.loaded.watch
