from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

import pytest

from splitdns.load.compile import Source, compile_zone
from splitdns.load.share import Viewer
from tests.loading import (
    HEAD,
    SOA,
    VIEWERS,
    found_in_master,
    found_in_yaml,
    placed,
    read_master,
    read_yaml,
)

# --- What NSD or Knot refuses, what they warn of -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w 60 A 192.0.2.1\nw 60 CNAME x\n", "5:1: CNAME beside other data at w.example.org.: A"),
        ("w 60 CNAME x\nw 60 CNAME y\n", "4:1: expected one CNAME at w.example.org., found 2"),
        ("@ 60 CNAME x\n", "4:1: CNAME beside other data at example.org.: SOA, NS"),
        ("w 60 DNAME x\nw 60 DNAME y\n", "4:1: expected one DNAME at w.example.org., found 2"),
        ("w 60 DNAME x.net.\nw 60 NS y.net.\n", "4:1: DNAME beside NS at w.example.org."),
        ("w 60 DNAME x.net.\nb.w 60 TXT x\n", "5:1: b.w.example.org. is beneath the DNAME at w.example.org."),
        ("w 60 DNAME x.net.\nw 60 CNAME x.net.\n", "5:1: CNAME beside other data at w.example.org.: DNAME"),
    ],
)
def test_what_nsd_or_knot_refuses_is_an_error__rfc1034_3_6_2_and_rfc6672_2(
    tmp_path: Path, text: str, message: str
) -> None:
    errors, _ = found_in_master(tmp_path, HEAD + text)
    assert len(errors) == 1
    assert errors[0].startswith(message)


def test_a_zone_has_a_soa__rfc1035_5_2(tmp_path: Path) -> None:
    errors, _ = found_in_master(tmp_path, "w 60 A 192.0.2.1\n")
    assert errors == ["0:0: expected a SOA record at example.org., found none"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("s 60 NS ns.s\n", 4, "missing glue: ns.s.example.org., a name server of s.example.org., has"),
        ("s 60 NS no\n", 4, "missing glue: no.example.org., a name server of s.example.org., does not exist"),
        ("t 60 TXT x\ns 60 NS t\n", 5, "missing glue: t.example.org., a name server of s."),
        ("c 60 CNAME ns1\ns 60 NS c\n", 5, "the NS record of s.example.org. names an alias, c.example.org."),
        ("c 60 CNAME ns1\n@ 60 MX 1 c\n", 5, "the MX record of example.org. names an alias"),
        ("@ 60 MX 1 no\n", 4, "the MX record of example.org. names no.example.org., which does not exist"),
        ("c 60 CNAME no\n", 4, "the CNAME record of c.example.org. names no.example.org., which does not"),
    ],
)
def test_what_nsd_or_knot_warns_of_is_a_warning__semantics_28(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    errors, (warning,) = found_in_master(tmp_path, HEAD + text)
    assert errors == []
    assert warning.startswith(f"{line}:1: {message}")


def test_a_zone_without_name_servers_is_a_warning(tmp_path: Path) -> None:
    errors, warnings = found_in_master(tmp_path, SOA)
    assert errors == []
    assert "1:11: no NS records at example.org." in warnings


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("records: {}", ["1:7: no NS records at example.org.; say `ns:`"]),
        ("soa: {mname: ns.test.}", ["1:7: no NS records at example.org.; say `ns:`"]),
        ("ns: ns.test.", []),
        ("records: {'@': {NS: ns.test.}}", []),
        ("mode: overlay", []),
    ],
)
def test_a_yaml_zone_without_name_servers_is_a_warning_unless_it_is_an_overlay(
    text: str, warnings: list[str]
) -> None:
    zone, problems = read_yaml(text)
    compile_zone([Source(zone, VIEWERS, problems)])
    assert [placed(warning) for warning in problems.warnings] == warnings


@pytest.mark.parametrize(
    "text",
    [
        "@ 60 MX 0 .\n",
        "w 60 HTTPS 1 .\n",
        "s 60 NS ns.s\nns.s 60 A 192.0.2.1\n",
        "s 60 NS ns.t\nt 60 NS ns.t\nns.t 60 A 192.0.2.1\n",
        "s 60 NS ns.example.net.\n@ 60 MX 10 mail.s\n",
        "d 60 DNAME example.net.\n@ 60 MX 10 mail.d\n",
        "*.w 60 A 192.0.2.1\n@ 60 MX 10 mail.w\n",
        "a.w 60 A 192.0.2.1\nc 60 CNAME w\n",
    ],
)
def test_a_target_that_exists_or_cannot_be_known_is_well(tmp_path: Path, text: str) -> None:
    assert found_in_master(tmp_path, HEAD + text) == ([], [])


# --- What only views can get wrong -------------------------------------------------------------------------


def test_cname_exclusivity_is_checked_per_view_and_the_error_names_the_view__semantics_5() -> None:
    text = """
records:
  www:  {CNAME: {outside: x.cdn.example.net.}, A: {inside: 192.168.1.1}}
  bad:  {CNAME: {outside: x.cdn.example.net.}, A: 192.0.2.1}
  both: {CNAME: {vpn: www, outside: www}, TXT: x}
"""
    errors, _ = found_in_yaml(text)
    assert errors == [
        "4:27: in view internet: CNAME beside other data at bad.example.org.: A (RFC 1034 3.6.2)",
        "5:23: in view vpn: CNAME beside other data at both.example.org.: TXT (RFC 1034 3.6.2)",
        "5:37: in view internet: CNAME beside other data at both.example.org.: TXT (RFC 1034 3.6.2)",
    ]


def test_an_inside_address_for_an_outside_view_is_a_warning_unless_it_is_public__semantics_1() -> None:
    text = """
records:
  a: {A: 192.168.1.1}
  b: {A: {inside: 192.168.1.1, outside: [203.0.113.7, 10.0.0.1]}}
  c: {A: {value: 192.168.1.1, public: true}}
  d: {A: 192.168.1.1, public: true}
  e: {A: {inside: 192.168.1.1, outside: {value: 10.0.0.1, public: true}}}
  "~f": {AAAA: "::ffff:192.168.1.1"}
"""
    errors, warnings = found_in_yaml(text)
    assert errors == []
    assert [warning.partition(" is not given out")[0] for warning in warnings] == [
        "3:10: in view internet: the inside address 192.168.1.1 of a.example.org.",
        "4:41: in view internet: the inside address 10.0.0.1 of b.example.org.",
        f"8:16: in view internet: the inside address {IPv6Address('::ffff:192.168.1.1')} of ~f",
    ]
    assert [warning.partition("; ")[2] for warning in warnings] == [
        "give it a horizon that only inside views have, or say `public: true`",
        "give 'outside' another address, or say `public: true`",
        "give it a horizon that only inside views have, or say `public: true`",
    ]


@pytest.mark.parametrize(("horizon", "other"), [(None, "a file for each horizon"), ("outside", "another")])
def test_an_inside_address_in_a_master_file_takes_another_cure(
    tmp_path: Path, horizon: str | None, other: str
) -> None:
    zone, problems = read_master(tmp_path, f"{HEAD}a A 192.168.1.1\n", horizon)
    compile_zone([Source(zone, VIEWERS[2:], problems)])
    (warning,) = problems.warnings
    assert warning.message.partition("; ")[2].startswith(f"this takes {other}")


def test_a_literal_hint_that_is_wrong_in_one_view_is_an_error_there__semantics_5() -> None:
    text = """
records:
  www: {A: {inside: 192.168.1.1, outside: 203.0.113.7}, HTTPS: 1 . ipv4hint=192.168.1.1}
"""
    (error,), _ = found_in_yaml(text)
    assert error.startswith(
        "3:64: in view internet: expected ipv4hint among the target's addresses (203.0.113.7)"
    )


def test_a_name_that_exists_in_no_view_is_an_error_and_an_unknown_horizon_a_warning() -> None:
    text = """
records:
  a:   {A: {insode: 192.168.1.1}}
  b:   {A: {insode: 192.168.1.1, outside: 203.0.113.7}}
  "~c": {A: {insode: 192.168.1.1}}
  "~d": {A: {insode: 192.168.1.1, outside: 203.0.113.7}}
"""
    errors, warnings = found_in_yaml(text)
    assert errors == [
        f"{at} exists in no view: no view of this zone has the horizon 'insode'; is 'inside' meant?"
        for at in ("3:3: a.example.org.", "5:3: ~c")
    ]
    assert warnings == [
        "4:21: no view has the horizon 'insode'; known: inside, outside, vpn; is 'inside' meant?",
        "6:22: no view has the horizon 'insode'; known: inside, outside, vpn; is 'inside' meant?",
    ]


def test_where_a_view_has_the_slip_the_zone_is_not_told_to_follow_it() -> None:
    text = """
records:
  a: {A: {inside: 192.168.1.1, outside: 203.0.113.7}}
  b: {A: {inside: 192.168.1.1}}
  c: {A: {dmz: 192.168.1.1}}
"""
    viewers = [Viewer("lan", ("insdie",)), Viewer("internet", ("outside",))]
    errors, warnings = found_in_yaml(text, viewers)

    assert [*errors, *warnings] == [
        "4:3: b.example.org. exists in no view: no view of this zone has the horizon 'inside'",
        "5:3: c.example.org. exists in no view: no view of this zone has the horizon 'dmz'",
        "3:19: no view has the horizon 'inside'; known: insdie, outside",
    ]


def test_views_are_named_only_where_they_see_different_things() -> None:
    text = "records: {www: {CNAME: nowhere}}"
    assert found_in_yaml(text)[1] == [
        "2:24: the CNAME record of www.example.org. names nowhere.example.org., which does not exist"
    ]
    _, (warning,) = found_in_yaml(text, [Viewer("lan", ("inside",))])
    assert ": in view" not in warning
    _, warnings = found_in_yaml("records: {www: {CNAME: nowhere}, x: {A: {inside: 192.168.1.1}}}")
    assert [warning.split(": ")[1] for warning in warnings] == ["in views lan, vpn, internet"]
    assert len(VIEWERS) == 3
