from __future__ import annotations

import pytest

from splitdns.load.declared import DeclaredSet
from splitdns.load.presentation import rdata_to_text
from splitdns.names import from_text
from tests.loading import messages, read_yaml


def sets(name: str) -> list[DeclaredSet]:
    zone, problems = read_yaml(f"records:\n  www: {{{name}}}\n")
    assert messages(problems) == []
    return zone.names[from_text("www.example.org.")].sets


def values(name: str) -> list[tuple[str | None, list[str]]]:
    return [
        (one.horizon, [rdata_to_text(one.rdtype, rdata) for rdata in one.rdatas]) for one in sets(name)
    ]


def mistakes(name: str) -> list[str]:
    _, problems = read_yaml(f"records:\n  www: {{{name}}}\n")
    return messages(problems)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A: 192.0.2.1", [(None, ["192.0.2.1"])]),
        ("A: [192.0.2.1, 192.0.2.2, 192.0.2.1]", [(None, ["192.0.2.1", "192.0.2.2"])]),
        ("A: {inside: 192.168.1.1, outside: [$wan4, 192.0.2.2]}", None),
        ("A: {value: 192.0.2.1, inside: 192.168.1.1}", [(None, ["192.0.2.1"]), ("inside", ["192.168.1.1"])]),
        ("A: {value: [192.0.2.1]}", [(None, ["192.0.2.1"])]),
        ("A: {inside: {value: 192.168.1.1}}", [("inside", ["192.168.1.1"])]),
        ("MX: [10 mail, 20 mail.example.net.]", [(None, ["10 mail.example.org.", "20 mail.example.net."])]),
        ("CNAME: Host", [(None, ["Host.example.org."])]),
        ("TYPE65280: '\\# 2 0102'", [(None, ["\\# 2 0102"])]),
        ("LOC: 52 22 23 N 4 53 32 E -2m", None),
    ],
)
def test_a_value_is_a_text_or_a_list_or_a_mapping_of_horizons(
    name: str, expected: list[tuple[str | None, list[str]]] | None
) -> None:
    found = values(name)
    assert found
    assert expected is None or found == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'v=spf1 mx -all'", '"v=spf1 mx -all"'),
        ("v=DMARC1; p=none", '"v=DMARC1; p=none"'),
        ("'say \"hi\" \\ bye'", '"say \\"hi\\" \\\\ bye"'),
        ("'\"two\" \"strings; \\050\"'", '"two" "strings; 2"'),
        ("10", '"10"'),
        ("grüße", '"gr\\195\\188\\195\\159e"'),
        ("x" * 255, f'"{"x" * 255}"'),
        ("x" * 300, f'"{"x" * 255}" "{"x" * 45}"'),
    ],
)
def test_a_txt_value_is_the_text_itself_unless_it_starts_with_a_quote__rfc1035_3_3_14(
    value: str, expected: str
) -> None:
    assert values(f"TXT: {value}") == [(None, [expected])]


def test_ttl_and_public_hold_for_what_they_stand_at() -> None:
    name = """
    A: {inside: {value: 192.168.1.1, ttl: 1m, public: true}, outside: 192.0.2.1, ttl: 2m, value: 192.0.2.2},
    TXT: x, ttl: 3m
    """
    found = [(one.horizon, one.ttl_s, one.own_ttl, one.public) for one in sets(name)]
    assert found == [
        (None, 120, True, False),
        ("inside", 60, True, True),
        ("outside", 120, True, False),
        (None, 180, True, False),
    ]
    assert [(one.ttl_s, one.own_ttl) for one in sets("A: 192.0.2.1")] == [(3600, False)]


def test_the_gateways_address_is_filled_in__semantics_12() -> None:
    assert values("A: $wan4") == [(None, ["203.0.113.7"])]
    wan = {"$wan4": None, "$wan6": b"x" * 16}
    zone, problems = read_yaml("records: {a: {A: $wan4, AAAA: $wan6}}", wan=wan)
    assert messages(problems) == []
    assert [len(one.rdatas) for one in zone.names[from_text("a.example.org.")].sets] == [0, 1]
    assert zone.wan


@pytest.mark.parametrize("spelling", ["ipv4hint=auto ipv6hint=auto", 'ipv4hint="auto" ipv6hint=auto'])
def test_auto_hints_are_left_to_the_views__semantics_5(spelling: str) -> None:
    (one,) = sets(f"HTTPS: '1 . alpn=h2 {spelling}'")
    assert sorted(one.auto_hints) == [4, 6]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("A: 192.0.2.256", "3:12: expected A data such as 192.0.2.1, found '192.0.2.256'"),
        ("A: [192.0.2.1, x]", "3:24: expected A data"),
        ("A: {inside: x}", "3:21: expected A data"),
        ("A: true", "3:12: expected a text, found true"),
        ("A: ", "3:"),
        ("A: []", "3:12: expected a text, found nothing"),
        ("A: {}", "3:12: expected a value of A, found none"),
        ("A: {ttl: 5}", "3:12: expected a value of A, found none"),
        ("A: {inside: {ttl: 5}}", "3:21: expected a text, found nothing"),
        ("A: {inside: {vale: 192.0.2.1}}", "3:22: 'vale' is not a key of a value; known: value, ttl, public"),
        ("A: {inside: 192.0.2.1, ttl: soon}", "3:37: expected a TTL such as 3600 or 1h, found 'soon'"),
        ("A: {inside: 192.0.2.1, public: yes}", "3:40: expected true or false, found 'yes'"),
        ("A: $wan6", "3:12: expected an address or $wan4, found '$wan6'"),
        ("AAAA: $wan6", "3:15: expected a source for $wan6 under `wan:` in the configuration, found none"),
        ("A: $lan", "3:12: expected an address or $wan4, found '$lan'"),
        ("MX: mail", "3:13: expected MX data such as 10 mail, found 'mail'"),
        ("CNAME: bücher", "3:16: expected ASCII, found 'bücher'"),
        (f"TXT: {'x' * 65_300}", "3:14: expected a text of at most 65,279 octets, found 65,300"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_place_and_what_was_expected(name: str, message: str) -> None:
    found, *_ = mistakes(name)
    assert found.startswith(message)
