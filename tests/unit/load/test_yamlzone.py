from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.errors import Problems, ZoneError
from splitdns.load import yamlzone
from splitdns.load.yamlvalues import Surroundings
from splitdns.names import from_text, to_text
from splitdns.records import Type
from tests.loading import found_in_yaml, messages, read_yaml


def test_names_are_relative_to_the_zone_unless_they_end_in_a_dot() -> None:
    zone, problems = read_yaml(
        """
zone: Example.org
records:
  "@":              {TXT: apex}
  www:              {A: 192.0.2.1}
  a.b:              {A: 192.0.2.1}
  Full.example.ORG.: {A: 192.0.2.1}
  "*":              {A: 192.0.2.1}
  "10":             {PTR: x}
  on:               {A: 192.0.2.1}
"""
    )
    assert messages(problems) == []
    assert [to_text(name.owner) for name in zone.names.values()] == [
        "Example.org.",
        "www.Example.org.",
        "a.b.Example.org.",
        "Full.example.ORG.",
        "*.Example.org.",
        "10.Example.org.",
        "on.Example.org.",
    ]


def test_everything_that_a_zone_may_say_is_kept() -> None:
    zone, problems = read_yaml(
        """
mode: overlay
ttl: 5m
views: [lan, vpn]
ns: [ns1, ns2.example.net.]
records:
  www: {A: 192.0.2.1, inherit: [TXT, MX], ptr: true, expose: [443/tcp, 8000-8001/udp, 80:8080/tcp]}
  "~^db[0-9]+$": {A: 192.0.2.2}
"""
    )
    assert messages(problems) == []
    assert (zone.overlay, zone.views, zone.variants) == (True, ("lan", "vpn"), frozenset())
    www = zone.names[from_text("www.example.org.")]
    assert www.sets[0].ttl_s == 300
    assert (www.manner.inherit, www.manner.ptr) == ((Type.TXT, Type.MX), True)
    assert [str(one.public) for one in www.manner.expose] == ["443/tcp", "8000-8001/udp", "80/tcp"]
    assert [str(one.inside) for one in www.manner.expose] == ["443/tcp", "8000-8001/udp", "8080/tcp"]
    (ns,) = zone.names[from_text("example.org.")].sets
    assert (ns.rdtype, len(ns.rdatas)) == (Type.NS, 2)
    assert [regexp.pattern for regexp in zone.regexps] == ["^db[0-9]+$"]
    assert zone.soa is not None
    assert to_text(zone.soa.mname) == "ns1.example.org."


def test_name_servers_may_have_variants_like_any_value() -> None:
    zone, problems = read_yaml("ns: {inside: ns1, outside: ns.example.net.}\nrecords: {ns1: {A: 192.0.2.1}}")
    assert messages(problems) == []
    assert zone.variants == {"inside", "outside"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zone: example.net", "1:7: expected example.org., as the file's name says, found 'example.net'"),
        ("zone: [x]", "1:7: expected `zone:` and the zone's name"),
        ("zone: a..b", "1:7: expected a label, found an empty one"),
        ("recrods: {}", "2:1: 'recrods' is not a key of a zone; known: zone, mode, ttl, ns, soa, views, rec"),
        ("www: {A: 192.0.2.1}", "2:1: 'www' is not a key of a zone; names and their records stand under"),
        ("A: 192.0.2.1", "2:1: 'A' is not a key of a zone; names and their records stand under `records:`"),
        ("mode: both", "2:7: expected authoritative or overlay, found 'both'"),
        ("ttl: soon", "2:6: expected a TTL such as 3600 or 1h, found 'soon'"),
        ("views: [lan, wan]", "2:14: expected a view (lan, vpn, internet), found 'wan'"),
        ("views: []", "2:8: expected at least one view, found none"),
        ("records: [www]", "2:10: expected a mapping from names to records"),
        ("soa: x", "2:6: expected a mapping with mname, rname"),
        ("soa: {mail: x}", "2:7: 'mail' is not a key of a SOA"),
        ("soa: {serial: 010}", "2:15: expected a whole number from 1 to 4294967295, found '010'"),
        ("soa: {serial: 0}", "2:15: expected a whole number"),
        ("soa: {rname: host@example.org}", "2:14: expected a name of letters"),
        ("soa: {refresh: often}", "2:16: expected a TTL"),
        ("ns: ns1\nrecords: {'@': {NS: ns1}}", "2:1: expected name servers here or as NS of "),
    ],
)  # fmt: skip
def test_a_mistake_in_the_zone_itself_names_its_place(text: str, message: str) -> None:
    found, *_ = messages(read_yaml(text)[1])
    assert found.startswith(message)


def test_a_host_may_be_called_like_a_record_type() -> None:
    zone, problems = read_yaml("records: {A: {A: 192.0.2.1}, TXT: {inherit: TXT}}")
    assert messages(problems) == []
    assert {to_text(name) for name in zone.names} == {"a.example.org.", "txt.example.org."}


def test_a_configuration_is_no_zone() -> None:
    problems = Problems()
    text = "listen: ['127.0.0.1:53']\nviews: {lan: {clients: [10.0.0.0/8]}}\n"
    assert yamlzone.read(text, "x.yaml", from_text("x."), problems, Surroundings({}, ())) is None
    assert messages(problems) == [
        "1:1: expected a zone: `zone: example.org` and `records:`; this looks like a configuration"
    ]


def test_what_was_found_is_shown_in_short() -> None:
    _, problems = read_yaml("views: {lan: {clients: [10.0.0.0/8], horizon: [inside]}}\nmode: {a: b}")
    assert messages(problems) == [
        "2:8: expected a view (lan, vpn, internet), found a mapping",
        "3:7: expected authoritative or overlay, found a mapping",
    ]


def test_a_zone_may_be_empty() -> None:
    zone, problems = read_yaml("")
    assert messages(problems) == []
    assert zone.names == {}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("www: 192.0.2.1", "3:8: expected a mapping from record types to values, found '192.0.2.1'"),
        ("www:\n  A: 192.0.2.1", "3:7: expected a mapping from record types to values, found nothing"),
        ("A: 192.0.2.1", "3:3: 'A' is a record type: indent it under its name"),
        ("A: {inside: 192.0.2.1}", "3:3: 'A' is a record type: indent it under its name"),
        ("A: {B: 192.0.2.1}", "3:3: 'A' is a record type: indent it under its name"),
        ("'~[a': {A: '::'}", "3:3: expected a regular expression after ~, found '[a' (RE2: missing ']')"),
        ("'~*': {A: x}", "3:3: expected a regular expression after ~, found '*' (RE2: no argum"),
        ("www: {A: {inside: {value: {x: y}}}}", "3:29: expected a text, found a mapping"),
        ("www: {}", "3:8: expected at least one record, or `inherit`"),
        ("www: {ttl: 5}", "3:8: expected at least one record, or `inherit`"),
        ("www: {a: 192.0.2.1}", "3:9: 'a' is not a key of a name; known: A, AAAA"),
        ("www: {AAAAA: '::1'}", "3:9: 'AAAAA' is not a key of a name; known: A, AAAA, CNAME, MX"),
        ("www: {ANY: x}", "3:9: 'ANY' is not a key of a name"),
        ("www: {SOA: x}", "3:9: expected the SOA under `soa:`; it is made by itself"),
        ("www.example.net.: {A: 192.0.2.1}", "3:3: expected a name in example.org., found www.example.net."),
        ("a..b: {A: 192.0.2.1}", "3:3: expected a label, found an empty one in 'a..b'"),
        ("bücher: {A: 192.0.2.1}", "3:3: expected an ASCII name, found 'bücher'; write it as xn--bcher-kva"),
        ("a b: {A: 192.0.2.1}", "3:3: expected a name of letters"),
        ("a: {A: 192.0.2.1}\n  A: {A: 192.0.2.2}", "4:3: expected each name once, found A.example.org. ag"),
        ("a: {A: 192.0.2.1}\n  a.example.org.: {A: 192.0.2.2}", "4:3: expected each name once, found a"),
        ("'~(': {A: 192.0.2.1}", "3:3: expected a regular expression after ~, found '(' (RE2: missing ')')"),
        ("~a: {NS: x}", "3:8: expected no NS under a regular expression"),
        ("~a: {A: 192.0.2.1, expose: [1/tcp]}", "3:22: expected `expose` at a name, not at a regexp"),
        ("~a: {A: 192.0.2.1, ptr: true}", "3:27: expected `ptr: true` at a name of its own, not at a"),
        ("'*': {A: 192.0.2.1, ptr: true}", "3:28: expected `ptr: true` at a name of its own"),
        ("a: {A: 192.0.2.1, ptr: 1}", "3:26: expected true or false, found 1"),
        ("a: {A: 192.0.2.1, public: no}", "3:29: expected true or false, found 'no'"),
        ("a: {A: 192.0.2.1, inherit: [X]}", "3:31: expected a record type such as A, MX or TYPE65280"),
        ("a: {A: 192.0.2.1, inherit: A}", "3:30: expected a type that is not declared here, found 'A'"),
        ("a: {A: 192.0.2.1, inherit: ANY}", "3:30: expected a type of records, found 'ANY'"),
        ("a: {A: 192.0.2.1, expose: 80}",
         "3:29: expected a port such as 443/tcp or 8000-8100/udp, found 80; is 80/tcp meant?"),
        ("a: {A: 192.0.2.1, expose: [{public: 80/tcp}]}", "3:30: expected a port such as 443/tcp"),
        ("a: {A: 192.0.2.1, expose: [{pubic: 80/tcp}]}", "3:31: 'pubic' is not a key of an exposed port"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_name_names_its_place(records: str, message: str) -> None:
    found, *_ = messages(read_yaml(f"records:\n  {records}\n")[1])
    assert found.startswith(message)


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    names = "  a: {A: x, MX: y, TXT: z, FOO: w}\n  a..b: {A: 192.0.2.1}\n"
    _, problems = read_yaml(f"ttl: x\nmode: y\nrecords:\n{names}")
    assert len(messages(problems)) == 6


def test_a_complete_name_without_its_final_dot_is_a_warning() -> None:
    errors, (warning,) = found_in_yaml("records: {www.example.org: {A: 192.0.2.1}}")
    assert errors == []
    assert warning.startswith("2:11: 'www.example.org' means www.example.org.example.org. here; a name")


def test_what_is_no_mapping_or_no_yaml_is_an_error() -> None:
    for text, message in (("- a", "expected a zone"), ("", "expected a zone"), ("a: [", "")):
        problems = Problems()
        surroundings = Surroundings({}, ())
        assert yamlzone.read(text, "x.yaml", from_text("x."), problems, surroundings) is None
        assert message in str(problems.errors[0])
        assert isinstance(problems.errors[0], ZoneError)


KEYS = ["zone", "mode", "ttl", "ns", "soa", "views", "records", "www", "@", "~a", "~(", "*", "A", "TXT"]
KEYS += ["HTTPS", "inside", "value", "public", "expose", "inherit", "ptr", "mname", "TYPE9", "ü", ""]
SCALARS = ["example.org", "192.0.2.1", "$wan4", "overlay", "5", "true", "null", "10 mail", "'\"'"]
SCALARS += ["1 . ipv4hint=auto"]
YAML = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4).map(
        lambda items: "{" + ", ".join(f"'{key}': {value}" for key, value in items.items()) + "}"
    ),
    max_leaves=20,
)


@given(YAML | st.text())
def test_any_text_is_a_zone_or_zone_errors(text: str) -> None:
    problems = Problems()
    surroundings = Surroundings({"$wan4": bytes(4)}, ("lan",))
    zone = yamlzone.read(text, "example.org.yaml", from_text("example.org."), problems, surroundings)
    assert zone is not None or problems.errors
    assert all(isinstance(error, ZoneError) for error in problems.errors)
