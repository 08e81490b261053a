from __future__ import annotations

import pytest

from splitdns.load.settings import read_settings

LEASES = "sources: {{leases: [{{{}}}]}}\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ExceptionGroup) as found:
        read_settings(text, "f")
    return [str(error) for error in found.value.exceptions]


def test_a_source_of_leases_needs_little() -> None:
    text = LEASES.format("server: dnsmasq, files: [a], zone: home.arpa")
    (leases,) = read_settings(text, "f").sources.leases
    assert (leases.horizon, leases.ttl, leases.mode) == ("inside", 60, "authoritative")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "server: dnsmasq, zone: a.test",
            "f:1:20: expected files, found none",
        ),
        (
            "server: kea, zone: a.test",
            "f:1:20: expected either files or sockets, found none",
        ),
        (
            "server: kea, files: [a], sockets: [b], zone: a.test",
            "f:1:20: expected either files or sockets, found both",
        ),
        (
            "server: isc, sockets: [b], zone: a.test",
            "f:1:20: expected files: isc has no control socket for leases",
        ),
        (
            "server: udhcpd, files: [a], zone: a.test",
            "f:1:29: expected dnsmasq, kea or isc, found 'udhcpd'",
        ),
        (
            "server: dnsmasq, files: [a]",
            "f:1:20: expected the setting 'zone' here, found none",
        ),
        (
            "server: dnsmasq, files: [a], zone: a.test, horizon: insid",
            "f:1:73: expected a horizon of a view (inside, outside), found 'insid'",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(entry: str, expected: str) -> None:
    assert mistakes(LEASES.format(entry)) == [expected]


def test_every_horizon_is_known_with_its_path() -> None:
    entry = "server: dnsmasq, files: [a], zone: a.test, horizon: outside"
    settings = read_settings(LEASES.format(entry), "f")
    assert list(settings.sources.horizons) == [(("sources", "leases", 0, "horizon"), "outside")]
