"""AdGuard Home's configurations: splitdns says what AdGuard Home's documentation says of each question."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports.compared import Case
from tests.imports.expected import NO_NAME, NOTHING, Expected, forwarded, said, served

HOME, FAMILY, OFFICE = (
    Case("adguard", name, "AdGuardHome.yaml", ["192.168.1.7"], []) for name in ("home", "family", "office")
)
REFUSED = ("REFUSED", "")
LAN = "192.168.2.7"
TABLE = [
    # Rewrites: an address for its family, nothing for the other; the most exact one decides.
    (HOME, Expected("nas.home.example A", ("NOERROR", "192.168.1.10"))),
    (HOME, Expected("nas.home.example AAAA", ("NOERROR", "fd00:1::10"))),
    (HOME, Expected("a.apps.home.example A", ("NOERROR", "192.168.1.20"))),
    (HOME, Expected("a.b.apps.home.example A", ("NOERROR", "192.168.1.20"))),
    (HOME, Expected("a.apps.home.example AAAA", NOTHING)),
    (HOME, Expected("apps.home.example A", forwarded(9))),
    (HOME, Expected("special.apps.home.example A", ("NOERROR", "192.168.1.21"))),
    (HOME, Expected("x.special.apps.home.example A", ("NOERROR", "192.168.1.20"))),
    (HOME, Expected("out.apps.home.example A", forwarded(9))),
    (HOME, Expected("www.home.example A", ("NOERROR", "192.168.1.10"))),
    (HOME, Expected("search.example A", forwarded(9))),
    (HOME, Expected("four.home.example A", forwarded(9))),
    (HOME, Expected("other.home.example A", forwarded(9))),
    # Upstreams by domain, and what is beneath.
    (HOME, Expected("corp.example A", forwarded(53))),
    (HOME, Expected("x.branch.example A", forwarded(53))),
    (HOME, Expected("x.public.corp.example A", forwarded(9))),
    # Rules.
    (HOME, Expected("ads.example A", ("NOERROR", "0.0.0.0"))),
    (HOME, Expected("x.ads.example AAAA", ("NOERROR", "::"))),
    (HOME, Expected("good.ads.example A", forwarded(9))),
    (HOME, Expected("tv.example A", ("NOERROR", "0.0.0.0"))),
    (HOME, Expected("telemetry.example A", ("NOERROR", "0.0.0.0"))),
    (HOME, Expected("x.telemetry.example A", forwarded(9))),
    (HOME, Expected("scanner.example A", ("NOERROR", "192.168.1.40"))),
    (HOME, Expected("x.cam.example A", ("NOERROR", "192.168.1.41"))),
    (HOME, Expected("nas.home.example A", REFUSED, "192.168.1.66")),
    (FAMILY, Expected("box.lan A", ("NOERROR", "192.168.2.1"), LAN)),
    (FAMILY, Expected("tv.lan A", ("NOERROR", "192.168.2.2"), LAN)),
    (FAMILY, Expected("x.box.lan A", ("NOERROR", "192.168.2.2"), LAN)),
    (FAMILY, Expected("games.example A", NO_NAME, LAN)),
    (FAMILY, Expected("x.games.example A", forwarded(9), LAN)),
    (FAMILY, Expected("x.social.example A", NO_NAME, LAN)),
    (FAMILY, Expected("9.2.168.192.in-addr.arpa A", forwarded(1), LAN)),
    (FAMILY, Expected("box.lan A", REFUSED, "192.168.1.7")),
    (OFFICE, Expected("example.com A", ("NOERROR", "192.168.3.20"))),
    (OFFICE, Expected("a.b.example.com A", ("NOERROR", "192.168.3.20"))),
    (OFFICE, Expected("mail.example.com A", forwarded(9))),
    (OFFICE, Expected("off.example.com A", ("NOERROR", "192.168.3.20"))),
    (OFFICE, Expected("x.ads.example A", ("NOERROR", "192.168.3.9"))),
    (OFFICE, Expected("x.ads.example AAAA", ("NOERROR", "fd00:3::9"))),
    (OFFICE, Expected("nas.lan A", forwarded(1))),
]


@pytest.mark.parametrize(
    ("case", "expected"), TABLE, ids=[f"{case.name} {one.asked} {one.client}" for case, one in TABLE]
)
def test_splitdns_answers_as_adguard_home_documents(case: Case, expected: Expected, tmp_path: Path) -> None:
    world = served(case, tmp_path)

    assert world.loaded.faults == {}
    assert said(world, expected) == expected.said
