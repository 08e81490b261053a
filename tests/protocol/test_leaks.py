"""No message to an outside view holds an inside address or an inside-only name (semantics 1 and 2).

Random zones with mistakes in them, random views, random upstream answers, random questions from all clients
in turn. What an outside client may learn is worked out from the declarations alone, by rules of this file's
own. Then the property is shown to bite: without the guard, and with one cache for all views, it goes red.
"""

from __future__ import annotations

import ipaddress
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import splitdns.answer.blocking
import splitdns.answer.decide
from splitdns.answer.decide import Forward, Reply
from splitdns.names import wire_from_text
from splitdns.records import RRset, type_from_text
from splitdns.snapshot import Snapshot
from splitdns.view import Answers
from tests.serving import SPLIT_CONFIG, World

ZONE = "example.com"
HORIZONS = ["inside", "vpn", "outside"]
NAMES = ["www", "nas", "mail", "deep.ent", "*.apps", "alias", "www.nas"]
ASKED = [*NAMES, "x.apps", "ent", "nothing", "sub.www", "@", "_acme-challenge.www", "box1"]
TYPES = ["A", "AAAA", "CNAME", "MX", "SRV", "HTTPS", "TXT", "NS", "SOA", "RP", "IPSECKEY", "ANY"]

INSIDE4 = ["192.168.10.1", "10.8.0.1", "100.64.3.3", "169.254.7.7", "127.0.0.9"]
SHARED4 = ["198.51.100.10", "198.51.100.11"]  # public ranges, that may be declared for the inside only
OUTSIDE4 = ["203.0.113.7", "203.0.113.8"]
INSIDE6 = ["fd00::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"]
SHARED6 = ["2001:db8:1::1"]
OUTSIDE6 = ["2001:db8::7"]
ANY4, ANY6 = INSIDE4 + SHARED4 + OUTSIDE4, INSIDE6 + SHARED6 + OUTSIDE6
TARGETS = [f"{name}.{ZONE}." for name in NAMES if "*" not in name] + [f"x.apps.{ZONE}.", "host.example.net."]

# A zone that the outside views do not have at all; what an upstream says of it is no secret out there.
CORP = "corp.internal"
CORP_ZONE = f"""\
zone: {CORP}
ns: [ns]
views: [lan, vpn]
records: {{ns: {{A: 192.168.9.1}}, h: {{A: 192.168.9.2}}}}
"""
OUR_TARGETS = [*TARGETS, f"h.{CORP}."]

Value = str | dict[str, str]


def variants(values: st.SearchStrategy[str]) -> st.SearchStrategy[Value]:
    """The same value for all, or one for each of some horizons."""
    return st.one_of(values, st.dictionaries(st.sampled_from(HORIZONS), values, min_size=1))


def https(targets: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda target: f"1 {target} alpn=h2", targets)


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, dict[str, Value]]:
    """Names with their records, by type; CNAME stands alone."""
    targets = st.sampled_from(OUR_TARGETS)
    declared: dict[str, dict[str, Value]] = {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=2, unique=True)):
        if draw(st.integers(0, 3)) == 0:
            declared[name] = {"CNAME": draw(variants(targets))}
            continue
        kinds = {
            "A": st.sampled_from(ANY4),
            "AAAA": st.sampled_from(ANY6),
            "MX": targets.map("10 {}".format),
            "SRV": targets.map("0 0 443 {}".format),
            "HTTPS": https(targets),
            "TXT": st.just("text"),
            "RP": targets.map("mail.example.net. {}".format),
            "IPSECKEY": st.sampled_from(ANY4).map("10 1 2 {} AQID".format),
        }
        chosen = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=3, unique=True))
        declared[name] = {kind: draw(variants(kinds[kind])) for kind in chosen}
    return declared


@st.composite
def upstreams(draw: st.DrawFn) -> list[tuple[str, str]]:
    """What upstream says, whatever it is asked: (type, rdata) of the asked name or of an alias's target."""
    kinds = {
        "A": st.sampled_from(ANY4),
        "AAAA": st.sampled_from(ANY6),
        "CNAME": st.sampled_from(TARGETS),
        "MX": st.sampled_from(TARGETS).map("10 {}".format),
        "HTTPS": st.sampled_from(ANY4).map("1 . ipv4hint={}".format),
    }
    picked = draw(st.lists(st.sampled_from(sorted(kinds)), max_size=3, unique=True))
    return [(kind, draw(kinds[kind])) for kind in picked]


@dataclass(frozen=True)
class Scene:
    declared: dict[str, dict[str, Value]]
    said: list[tuple[str, str]]
    asked: list[tuple[str, str, str]]  # name, type, client
    listed: tuple[str, str] | None = None  # what a policy zone has for host.example.net; DNS64 too, then


SCENES = st.builds(
    Scene,
    declarations(),
    upstreams(),
    st.lists(
        st.tuples(
            st.sampled_from(
                [f"{name}.{ZONE}." for name in ASKED if name != "@"] + [f"{ZONE}.", "host.example.net."]
            ),
            st.sampled_from(TYPES),
            st.sampled_from(["lan", "vpn", "guest", "internet"]),
        ),
        min_size=4,
        max_size=16,
    ),
    st.none()
    | st.tuples(st.just("CNAME"), st.sampled_from(OUR_TARGETS))
    | st.tuples(st.just("MX"), st.sampled_from(OUR_TARGETS).map("10 {}".format))
    | st.tuples(st.just("A"), st.sampled_from(ANY4)),
)

# Guests with DNS64 and a policy zone, neither of which is to open a way around the guard.
PREFIX = ipaddress.ip_network("2001:db8:64::/96")
POLICY_CONFIG = (
    SPLIT_CONFIG.replace("[outside],     recursion", f'[outside], dns64: "{PREFIX}", recursion')
    + "blocklists: [{file: policy.rpz}]\n"
)
assert "dns64" in POLICY_CONFIG


def zone_text(declared: dict[str, dict[str, Value]]) -> str:
    lines = [f"zone: {ZONE}", "ns: [ns1]", "records:", "  ns1: {A: 203.0.113.53}"]
    for name, types in declared.items():
        lines.append(f'  "{name}":')
        for rdtype, value in types.items():
            if isinstance(value, str):
                lines.append(f'    {rdtype}: "{value}"')
            else:
                pairs = ", ".join(f'{horizon}: "{each}"' for horizon, each in value.items())
                lines.append(f"    {rdtype}: {{{pairs}}}")
    return "\n".join(lines) + "\n"


def rdata(kind: str, text: str) -> bytes:
    parsed = dns.rdata.from_text("IN", kind, text)
    wire = parsed.to_wire()
    assert wire is not None
    return wire


def upstream(said: list[tuple[str, str]]) -> Callable[[Forward], Reply]:
    def reply(forward: Forward) -> Reply:
        given: list[RRset] = []
        owner = forward.name
        if alias := next((text for kind, text in said if kind == "CNAME"), None):
            target = wire_from_text(alias)
            given.append(RRset(owner, type_from_text("CNAME"), 300, (target,)))
            owner = target
        for kind, text in said:
            if kind != "CNAME" and type_from_text(kind) == forward.qtype:
                given.append(RRset(owner, forward.qtype, 300, (rdata(kind, text),)))
        return Reply(0, tuple(given))

    return reply


# What an outside client may learn, from the declarations alone.


def for_outside(value: Value) -> bool:
    return isinstance(value, str) or "outside" in value


def inside_only_names(declared: dict[str, dict[str, Value]]) -> set[str]:
    """Declared names without one record for the outside, and without a name beneath them that has one."""
    visible = {
        name for name, types in declared.items() if any(for_outside(value) for value in types.values())
    }
    hidden = {name for name in declared if name not in visible and "*" not in name}
    return {
        f"{name}.{ZONE}."
        for name in hidden
        if not any(other == name or other.endswith("." + name) for other in visible)
    }


def inside_only_addresses(declared: dict[str, dict[str, Value]]) -> set[str]:
    """Addresses that only horizons other than ``outside`` declare."""
    inside: set[str] = set()
    outside: set[str] = {"203.0.113.53"}
    for types in declared.values():
        for kind in ("A", "AAAA"):
            value = types.get(kind)
            if isinstance(value, str):
                outside.add(value)
            elif value:
                for horizon, address in value.items():
                    (outside if horizon == "outside" else inside).add(address)
    return {str(ipaddress.ip_address(address)) for address in inside - outside}


SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "192.168.0.0/16",
        "172.16.0.0/12",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::ffff:0:0/96",
        "64:ff9b::a00:0/104",
        "2002:a00::/24",
    )
]


def addresses_in(message: dns.message.Message) -> Iterator[str]:
    for section in message.sections[1:]:
        for rrset in section:
            for each in rrset:
                if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    yield each.address
                elif rrset.rdtype == dns.rdatatype.IPSECKEY:
                    yield each.gateway
                elif rrset.rdtype in (dns.rdatatype.HTTPS, dns.rdatatype.SVCB):
                    for key in (4, 6):
                        if param := each.params.get(key):
                            yield from param.addresses


def names_in(message: dns.message.Message, asked: str) -> Iterator[str]:
    """Every name in rdata, and every owner that is not the asked name."""
    for section in message.sections[1:]:
        for rrset in section:
            if rrset.name.to_text().lower() != asked:
                yield rrset.name.to_text().lower()
            for each in rrset:
                for field in ("target", "exchange", "mname", "txt"):
                    if isinstance(name := getattr(each, field, None), dns.name.Name):
                        yield name.to_text().lower()


def leaks(scene: Scene, **world_options: Any) -> list[str]:
    """What outside clients learn that they must not."""
    found: list[str] = []
    hidden_names = inside_only_names(scene.declared) | {f"h.{CORP}."}
    hidden_addresses = inside_only_addresses(scene.declared)
    with tempfile.TemporaryDirectory() as directory:
        files = {f"{ZONE}.yaml": zone_text(scene.declared), f"{CORP}.yaml": CORP_ZONE}
        config = SPLIT_CONFIG
        if scene.listed is not None:
            config = POLICY_CONFIG
            rule = "host.example.net 60 {} {}\n".format(*scene.listed)
            Path(directory, "policy.rpz").write_text(f"@ 60 SOA ns. host. 1 1 1 1 1\n{rule}")
        world = World(Path(directory), files, config, upstream(scene.said), **world_options)
        for name, rdtype, client in scene.asked:
            message = world.ask(name, rdtype, client=client)
            if client not in ("guest", "internet"):
                continue
            for address in addresses_in(message):
                packed = ipaddress.ip_address(address)
                if packed in PREFIX:
                    packed = ipaddress.ip_address(int(packed) & 0xFFFF_FFFF)
                special = any(packed in net for net in SPECIAL if net.version == packed.version)
                if scene.listed == ("A", address) and packed.is_loopback:
                    continue  # what lists put in the place of a host is nobody's
                if special or str(packed) in hidden_addresses:
                    found.append(f"{client} asked {name} {rdtype} and learned the address {address}")
            for learned in names_in(message, name.lower()):
                if learned in hidden_names and learned != name.lower():
                    found.append(f"{client} asked {name} {rdtype} and learned the name {learned}")
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCENES)
def test_no_outside_view_learns_an_inside_address_or_an_inside_only_name__semantics_1_and_2(
    scene: Scene,
) -> None:
    assert leaks(scene) == []


@pytest.mark.long
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCENES)
def test_no_outside_view_learns_anything_in_many_more_scenes__semantics_1_and_2(scene: Scene) -> None:
    assert leaks(scene) == []


@pytest.mark.parametrize(
    ("listed", "said", "asked"),
    [
        (("CNAME", f"h.{CORP}."), [], ("host.example.net.", "A", "guest")),
        (("MX", f"10 h.{CORP}."), [("CNAME", "host.example.net.")], ("www.example.org.", "MX", "guest")),
    ],
    ids=["alias", "mail"],
)
def test_a_policy_zone_names_no_host_of_other_views(
    listed: tuple[str, str], said: list[tuple[str, str]], asked: tuple[str, str, str]
) -> None:
    assert leaks(Scene({}, said, [asked], listed)) == []


def leaks_are_found(**world_options: Any) -> bool:
    """Whether a scene leaks, among many that are the same in each run: this is about the search, not luck."""
    try:
        find(
            SCENES,
            lambda scene: bool(leaks(scene, **world_options)),
            settings=settings(
                max_examples=10_000,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
            random=Random(7),
        )
    except NoSuchExample:
        return False
    return True


def test_without_the_guard_the_property_goes_red__semantics_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitdns.answer.decide, "guard", lambda answer, view, question: answer)
    assert leaks_are_found()


@pytest.mark.parametrize("part", ["dns64", "lists"])
def test_a_policy_that_goes_around_the_guard_turns_the_property_red__semantics_1(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if part == "dns64":  # made of what the guard has not seen
        guard = splitdns.answer.decide.guard
        monkeypatch.setattr(
            splitdns.answer.decide,
            "guard",
            lambda answer, view, question: (
                answer if any(rrset.rdtype == 1 for rrset in answer.answer) else guard(answer, view, question)
            ),
        )
    else:
        monkeypatch.setattr(splitdns.answer.blocking, "is_nobody", lambda address: True)
    assert leaks_are_found()


def test_with_one_cache_for_all_views_the_property_goes_red__semantics_14() -> None:
    def shared(snapshot: Snapshot) -> Snapshot:
        answers = Answers()
        views = {view.name: replace(view, answers=answers) for view in snapshot.views}
        return Snapshot(
            snapshot.generation,
            tuple(views.values()),
            tuple((prefix, views[view.name]) for prefix, view in snapshot.prefixes),
            snapshot.any_view and views[snapshot.any_view.name],
            snapshot.manners,
        )

    assert leaks_are_found(snapshot=shared)


def test_blind_to_the_zones_of_other_views_the_property_goes_red__semantics_2() -> None:
    def blind(snapshot: Snapshot) -> Snapshot:
        for view in snapshot.views:
            view.elsewhere.clear()
        return snapshot

    assert leaks_are_found(snapshot=blind)
