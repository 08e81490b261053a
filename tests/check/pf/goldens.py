"""Gateways of OpenBSD and FreeBSD as people have them, and all that the check finds there.

``cases/openbsd/NAME.conf`` is a pf.conf in the form that pf.conf(5) shows, beside one network's ``ifconfig``
and ``netstat``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from splitdns.check.fetch import Text
from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import MAIL, SIX, WWW, Site, configs
from tests.check.goldens import Goldens, text

HERE = Path(__file__).with_name("cases")
CASES = sorted(HERE.glob("*/*.conf"))

SPLIT, PLAIN = configs("""\
  lan:      {clients: [192.168.1.0/24, "2001:db8:1::/64"], horizon: [INSIDE], recursion: true}
  others:   {clients: [192.168.20.0/24, 10.8.0.0/24], horizon: [inside], recursion: true}
""")
DMZ = WWW.replace("192.168.1.20", "192.168.20.20")
GAME = WWW + "  game: {A: {inside: 192.168.1.30, outside: $wan4}, expose: [27015/udp]}\n"
HOME = Site(
    config=SPLIT, resolver="192.168.1.53, 203.0.113.7", listens="[22/tcp, 53/tcp, 53/udp, 51820/udp]"
)

site = partial(replace, HOME)
SITES = {
    "02-hairpin": site(config=PLAIN),
    "03-no-hairpin": site(config=PLAIN),
    "04-uplink-only": site(config=PLAIN),
    "05-wrong-host-and-port": site(
        zone=MAIL, hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
    ),
    "09-wide-range": site(zone=GAME),
    "11-dmz-and-vpn": site(config=PLAIN, zone=DMZ),
    "14-one-to-one": site(zone=DMZ.replace("$wan4", "203.0.113.8")),
    "15-ipv6": site(zone=SIX),
}


def _texts(case: Path) -> list[Text]:
    ifconfig = HERE / ("ifconfig-leased" if case.stem == "13-leased-address" else "ifconfig")
    of_network = text(Dialect.IFCONFIG, ifconfig), text(Dialect.NETSTAT, HERE / "netstat")
    return [text(Dialect.PF, case), *of_network]


GOLDENS = Goldens(cases=CASES, texts=_texts, home=HOME, sites=SITES)


if __name__ == "__main__":
    GOLDENS.write()
