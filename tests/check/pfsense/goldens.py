"""Gateways as pfSense and OPNsense save them, and all that the check finds there.

``cases/NAME.xml`` is a ``config.xml`` in the form that the web interfaces write, ``cases/NAME.ifconfig``
tells leased addresses.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from splitdns.check.fetch import Text
from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import MAIL, PLAIN, SIX, WWW, Site
from tests.check.goldens import Goldens, text

_HERE = Path(__file__).parent
CASES = [
    case for name in ("pfsense", "opnsense") for case in sorted((_HERE.parent / name / "cases").glob("*.xml"))
]

HOME = Site(listens="null")

site = partial(replace, HOME)
SITES = {
    "02-reflection-and-its-outbound-nat": site(config=PLAIN),
    "03-reflection-alone": site(config=PLAIN),
    "04-no-reflection": site(config=PLAIN),
    "05-as-it-comes": site(config=PLAIN),
    "06-hairpin-by-hand": site(config=PLAIN),
    "07-wrong-host-and-port": site(
        zone=MAIL, hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
    ),
    "09-filtered": site(zone=MAIL),
    "12-dmz-and-openvpn": site(config=PLAIN, zone=WWW.replace("192.168.1.20", "192.168.20.20")),
    "13-redirected-dns-by-halves": site(resolver="192.168.1.1"),
    "14-leased-wan": site(config=PLAIN),
    "15-one-to-one": site(config=PLAIN, zone=WWW.replace("$wan4", "203.0.113.8")),
    "18-leased-wan-of-the-configuration": site(config=PLAIN),
    "16-ipv6": site(zone=SIX),
}


def _texts(case: Path) -> list[Text]:
    told = case.with_suffix(".ifconfig")
    leased = [text(Dialect.IFCONFIG, told)] if told.exists() else []
    return [text(Dialect(case.parent.parent.name), case), *leased]


GOLDENS = Goldens(cases=CASES, texts=_texts, home=HOME, sites=SITES)


if __name__ == "__main__":
    GOLDENS.write()
