from __future__ import annotations

import pytest

from splitdns.load.share import Viewer
from splitdns.load.targets import Link, Standing, complaint, standing
from splitdns.names import from_text
from splitdns.records import Type
from tests.build import zone
from tests.loading import INTERNET, LAN, VPN, found_in_yaml

NAS = "nas: {A: {inside: 192.168.1.1}}"


@pytest.mark.parametrize("record", ["CNAME: nas", "MX: 10 nas", "SRV: 0 5 1 nas", "HTTPS: 1 nas", "PTR: nas"])
def test_a_record_whose_target_other_views_have_is_a_warning__semantics_2(record: str) -> None:
    errors, (warning,) = found_in_yaml(f"records: {{{NAS}, www: {{{record}}}}}")
    assert errors == []
    rdtype, shown = record.partition(":")[0], "nas" if record.endswith(": nas") else "…"
    assert warning.partition(": ")[2] == (
        f"in view internet: the {rdtype} record of www.example.org. is not given, as nas.example.org. exists "
        f"only in views lan, vpn; give the record a horizon, such as {rdtype}: {{inside: {shown}}}"
    )


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("ns: [nas]\nrecords: {%s}", "example.org."),
        ("ns: [ns.test.]\nsoa: {mname: nas}\nrecords: {%s}", "example.org."),
        ("records: {sub: {NS: nas}, %s}", "sub.example.org."),
    ],
)
def test_a_name_server_that_other_views_have_is_an_error__semantics_2(text: str, owner: str) -> None:
    errors, _ = found_in_yaml(text % NAS)
    assert errors
    for error in errors:
        assert ": in view internet: the " in error
        assert error.endswith(
            f"record of {owner} names nas.example.org., which exists only in views lan, vpn; "
            "it must exist here, too"
        )


def test_names_of_an_overlay_are_never_inside_only__semantics_2() -> None:
    text = "mode: overlay\nrecords: {nas: {A: {inside: 192.168.1.1}}, www: {CNAME: nas}}"
    assert found_in_yaml(text) == ([], [])


def test_a_made_soa_is_no_second_mistake_and_one_that_is_written_has_its_place() -> None:
    (error,), _ = found_in_yaml(f"ns: nas\nrecords: {{{NAS}}}")
    assert error.startswith("2:5: in view internet: the NS record of ")
    (error,), _ = found_in_yaml(f"ns: ns.test.\nsoa: {{refresh: 1h, mname: nas}}\nrecords: {{{NAS}}}")
    assert error.startswith("3:27: in view internet: the SOA record of ")


def test_a_target_without_its_final_dot_is_told() -> None:
    _, warnings = found_in_yaml("records: {a: {CNAME: b.example.org}, b: {MX: 1 c}, s: {NS: x.example.org}}")
    assert [warning.partition("example.org., which ")[2] or warning for warning in warnings] == [
        "does not exist; a name that is complete ends in a dot",
        "does not exist",
        "2:60: missing glue: x.example.org.example.org., a name server of s.example.org., does not exist; "
        "a name that is complete ends in a dot",
    ]


# --- How a name stands -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "overlay", "stands"),
    [
        ("www", False, Standing.HERE),
        ("ent", False, Standing.HERE),
        ("ghost", False, Standing.ELSEWHERE),
        ("x.ghost", False, Standing.ELSEWHERE),
        ("nowhere", False, Standing.NOWHERE),
        ("x.wild", False, Standing.HERE),
        ("x.only", False, Standing.ELSEWHERE),
        ("cut", False, Standing.UNKNOWN),
        ("x.cut", False, Standing.UNKNOWN),
        ("x.dname", False, Standing.UNKNOWN),
        ("db1", False, Standing.HERE),
        ("other1", False, Standing.ELSEWHERE),
        ("www", True, Standing.HERE),
        ("ghost", True, Standing.UNKNOWN),
        ("nowhere", True, Standing.UNKNOWN),
    ],
)
def test_how_a_name_stands_in_a_zone(name: str, overlay: bool, stands: Standing) -> None:
    made = zone(
        "www A 192.0.2.1\na.ent A 192.0.2.1\n*.wild A 192.0.2.1\ncut NS ns.net.\ndname DNAME x.net.\n",
        elsewhere=["ghost", "*.only"],
        regexps=[("^db[0-9]", "192.0.2.1"), ("^other", "")],
        overlay=overlay,
    )
    if name == "x.only":
        made = zone("y.only A 192.0.2.1\n", elsewhere=["*.only"])
    found = standing(made.node, made.apex, from_text(name, made.apex), made.overlay, made.regexps)
    assert found is stands


# --- What is said ------------------------------------------------------------------------------------------


def said(
    rdtype: int,
    stands: Standing,
    *elsewhere: Viewer,
    host: str = "b.test.",
    horizon: str | None = None,
    is_yaml: bool = True,
) -> str:
    link = Link(rdtype, from_text("a.test."), from_text(host), from_text("test."), horizon, is_yaml)
    return str(complaint(link, stands, lambda host: elsewhere, INTERNET))


def test_a_complaint_says_what_becomes_of_the_record() -> None:
    assert said(Type.MX, Standing.HERE) == "None"
    assert said(Type.NS, Standing.UNKNOWN) == "None"
    assert "is not given" in said(Type.MX, Standing.ELSEWHERE, LAN)
    assert "must exist here" in said(Type.NS, Standing.ELSEWHERE, LAN)
    assert "does not exist" in said(Type.MX, Standing.NOWHERE)


def test_the_cure_is_a_horizon_that_all_views_with_the_host_have_and_this_one_has_not() -> None:
    def cure(*elsewhere: Viewer) -> str:
        return said(Type.CNAME, Standing.ELSEWHERE, *elsewhere).partition("; ")[2]

    both = Viewer("both", ("outside", "inside"))
    assert cure(VPN) == "give the record a horizon, such as CNAME: {vpn: b}"
    assert cure(VPN, LAN) == cure(both) == "give the record a horizon, such as CNAME: {inside: b}"
    assert cure(LAN, Viewer("dmz", ("dmz",))) == "give the record a horizon"
    assert cure() == ""


def test_the_cure_is_another_host_where_the_record_has_a_horizon_already() -> None:
    found = said(Type.CNAME, Standing.ELSEWHERE, LAN, horizon="outside")
    assert found.endswith("exists only in view lan; name another host for 'outside'")


def test_a_master_file_has_no_horizons_to_offer() -> None:
    assert said(Type.CNAME, Standing.ELSEWHERE, LAN, is_yaml=False).endswith("exists only in view lan")
