"""Rules of Traefik, of both versions, and what is none."""

from __future__ import annotations

import pytest

from splitdns.sources.docker.rules import MAX_CHARACTERS, MAX_DEPTH, Hosts, hosts_in


@pytest.mark.parametrize(
    ("rule", "names", "patterns"),
    [
        ("Host(`a.example.com`)", ["a.example.com"], []),
        ('Host("a.example.com")', ["a.example.com"], []),
        ("Host(`a.example.com`) || Host(`b.example.com`)", ["a.example.com", "b.example.com"], []),
        ("Host(`a.example.com`, `b.example.com`)", ["a.example.com", "b.example.com"], []),
        ("  ( Host(`a.example.com`)&&PathPrefix(`/x, y)`) )  ", ["a.example.com"], []),
        ("Host(`a.example.com`) && !(Host(`b.example.com`) || Path(`/`))", ["a.example.com"], []),
        ("!(!Host(`a.example.com`))", ["a.example.com"], []),
        ("!!Host(`a.example.com`) && !Host(`b.example.com`)", ["a.example.com"], []),
        ("Host(`a.example.com`) || Host(`a.example.com`)", ["a.example.com"], []),
        ("host(`a.example.com`)", ["a.example.com"], []),
        ("HostSNI(`db.example.com`)", ["db.example.com"], []),
        ("HostSNI(`*`)", [], []),
        ("PathPrefix(`/api`) && Method(`GET`) && Header(`X`, `Host(\\`)", [], []),
        ("HostRegexp(`^.+\\.example\\.com$`)", [], [r"^.+\.example\.com$"]),
        ('HostRegexp("^.+\\\\.example\\\\.com$")', [], [r"^.+\.example\.com$"]),
        ("HostRegexp(`^[a-z]{2,3}\\.example\\.com$`)", [], [r"^[a-z]{2,3}\.example\.com$"]),
        ("HostRegexp(`{sub:[a-z]+}.example.com`)", [], [r"^(?:[a-z]+)\.example\.com$"]),
        ("HostRegexp(`{sub:[a-z]{2}}.example.com`)", [], [r"^(?:[a-z]{2})\.example\.com$"]),
        ("HostRegexp(`a.de`, `{sub}.a.de`)", ["a.de"], [r"^(?:[^.]+)\.a\.de$"]),
        ("HostRegexp(`{host:.+}`)", [], ["^(?:.+)$"]),
    ],
)
def test_the_hosts_of_a_rule(rule: str, names: list[str], patterns: list[str]) -> None:
    assert hosts_in(rule) == Hosts(tuple(names), tuple(patterns))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "expected a matcher such as Host, found the end"),
        ("Host(`a.example.com`", r"expected '\)', found the end"),
        ("Host(`a.example.com", "expected a rule such as Host"),
        ("Host('a.example.com')", "expected a rule such as Host"),
        ("Host(a.example.com)", "expected a text in backquotes, found 'a'|expected a rule"),
        ("Host(`a`,)", r"expected a text in backquotes, found '\)'"),
        ("Host(`a`) &&", "expected a matcher such as Host, found the end"),
        ("Host(`a`) Host(`b`)", "expected the end, found 'Host'"),
        ("&& Host(`a`)", "expected a matcher such as Host, found '&&'"),
        ("Host", r"expected '\(', found the end"),
        ("www.example.com", "expected"),
    ],
)
def test_what_is_no_rule_is_told(rule: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hosts_in(rule)


def test_a_rule_s_length_and_depth_have_their_limits() -> None:
    host = "Host(`a.example.com`)"
    assert hosts_in("(" * MAX_DEPTH + host + ")" * MAX_DEPTH).names == ("a.example.com",)
    with pytest.raises(ValueError, match="at most 32 parentheses"):
        hosts_in("(" * (MAX_DEPTH + 1) + host + ")" * (MAX_DEPTH + 1))
    assert hosts_in(host.ljust(MAX_CHARACTERS)).names == ("a.example.com",)
    with pytest.raises(ValueError, match="at most 4096 characters"):
        hosts_in(host.ljust(MAX_CHARACTERS + 1))
