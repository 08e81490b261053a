"""Gateways as RouterOS exports them, and all that the check finds there.

``cases/NAME.rsc`` is an export in the form that MikroTik's documentation shows.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from splitdns.load.gateway import Dialect
from tests.check.everywhere import site as usual
from tests.check.everywhere.site import Site, configs
from tests.check.goldens import Goldens, text

CASES = sorted(Path(__file__).with_name("cases").glob("*.rsc"))

SPLIT, PLAIN = configs("""\
  lan:      {clients: [192.168.88.0/24, "2001:db8:1::/64"], horizon: [INSIDE], recursion: true}
  others:   {clients: [192.168.20.0/24, 10.0.0.0/24, 10.8.0.0/24], horizon: [inside], recursion: true}
""")
WWW, MAIL, SIX = (zone.replace("192.168.1.", "192.168.88.") for zone in (usual.WWW, usual.MAIL, usual.SIX))
HOME = Site(config=SPLIT, zone=WWW, resolver="192.168.88.53", listens="null")

site = partial(replace, HOME)
SITES = {
    "02-hairpin": site(config=PLAIN),
    "03-no-hairpin": site(config=PLAIN),
    "04-local-one-network": site(config=PLAIN),
    "05-local-two-networks": site(config=PLAIN),
    "06-cloud-name": site(config=PLAIN),
    "08-wrong-host-and-port": site(
        zone=MAIL, hosts="{web: {addresses: [192.168.88.20/24], listens: [443/tcp, 993/tcp]}}"
    ),
    "13-dmz-and-wireguard": site(config=PLAIN, zone=WWW.replace("192.168.88.20", "10.0.0.20")),
    "15-one-to-one": site(zone=WWW.replace("$wan4", "203.0.113.8")),
    "16-ipv6": site(zone=SIX),
}
GOLDENS = Goldens(
    cases=CASES, texts=lambda case: [text(Dialect.ROUTEROS, case)], home=HOME, sites=SITES
)


if __name__ == "__main__":
    GOLDENS.write()
