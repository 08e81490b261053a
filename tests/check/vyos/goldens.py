"""Gateways of VyOS, EdgeOS and UniFi as they keep their configuration, and all that the check finds there.

``cases/DIALECT/NAME.*`` is a configuration in the form that the vendors' documentation shows.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import MAIL, PLAIN, SIX, WWW, Site
from tests.check.goldens import Goldens, text

CASES = sorted(
    path for path in Path(__file__).with_name("cases").glob("*/*") if path.suffix != ".findings"
)

IN_DMZ = WWW.replace("192.168.1.20", "192.168.20.20")
_LISTENING = "{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
HOME = Site(listens="null")

site = partial(replace, HOME)
SITES = {
    "vyos/02-hairpin": site(config=PLAIN),
    "vyos/03-forward-by-interface": site(config=PLAIN),
    "vyos/04-hairpin-of-1.3": site(config=PLAIN),
    "vyos/05-wrong-host-and-port": site(zone=MAIL, hosts=_LISTENING),
    "vyos/10-zones-of-1.3": site(config=PLAIN, zone=IN_DMZ),
    "vyos/11-zones-of-1.4": site(config=PLAIN, zone=IN_DMZ),
    "vyos/14-one-to-one": site(zone=WWW.replace("$wan4", "203.0.113.8")),
    "vyos/15-ipv6": site(zone=SIX),
    "edgeos/01-port-forward-and-hairpin": site(config=PLAIN),
    "edgeos/02-port-forward-alone": site(config=PLAIN),
    "edgeos/03-hairpin-for-one-network": site(config=PLAIN),
    "edgeos/05-nat-and-hairpin": site(config=PLAIN),
    "edgeos/06-wrong-host-and-port": site(zone=MAIL, hosts=_LISTENING),
    "edgeos/10-dmz-and-wireguard": site(config=PLAIN, zone=IN_DMZ),
    "edgeos/13-switch-and-guests": site(config=PLAIN),
    "edgeos/14-ipv6": site(zone=SIX),
    "unifi/dmz": site(config=PLAIN, zone=IN_DMZ),
    "unifi/guests": site(config=PLAIN),
    "unifi/ipv6": site(zone=SIX),
    "unifi/leased-and-told": site(config=PLAIN),
    "unifi/port-forward": site(config=PLAIN),
    "unifi/usg-dmz-and-wireguard": site(config=PLAIN, zone=IN_DMZ),
    "unifi/usg-nat-and-hairpin": site(config=PLAIN),
    "unifi/wrong-host-and-port": site(zone=MAIL, hosts=_LISTENING),
}


def name(case: Path) -> str:
    """The dialect and the name of a case, as in ``SITES``."""
    return f"{case.parent.name}/{case.stem}"


GOLDENS = Goldens(
    cases=CASES,
    texts=lambda case: [text(Dialect(case.parent.name), case)],
    home=HOME,
    sites=SITES,
    name=name,
)


if __name__ == "__main__":
    GOLDENS.write()
