"""Routers as ``uci export`` prints them, and all that the check finds there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from splitdns.load.gateway import Dialect
from tests.check.everywhere.site import MAIL, SIX, WWW, Site, configs
from tests.check.goldens import Goldens, text

CASES = sorted(Path(__file__).with_name("cases").glob("*.uci"))

SPLIT, PLAIN = configs("""\
  lan:      {clients: [192.168.1.0/24, "2001:db8:1::/64", "fd00::/8"], horizon: [INSIDE], recursion: true}
  others:   {clients: [192.168.9.0/24, 10.0.0.0/24, 10.8.0.0/24], horizon: [INSIDE], recursion: true}
""")
DMZ = WWW.replace("192.168.1.20", "10.0.0.20")
HOME = Site(config=SPLIT, listens="[22/tcp, 53/tcp, 53/udp, 80/tcp]")

site = partial(replace, HOME)
SITES = {
    "01-home": site(config=PLAIN),
    "02-reflection-off": site(config=PLAIN),
    "03-leased-address": site(config=PLAIN),
    "04-pppoe-with-status": site(config=PLAIN),
    "05-old-bridge": site(config=PLAIN),
    "06-wrong-host-and-port": site(
        zone=MAIL, hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
    ),
    "11-dmz": site(config=PLAIN, zone=DMZ),
    "12-dmz-reflected-to-the-lan": site(config=PLAIN, zone=DMZ),
    "13-guests-on-a-vlan": site(config=PLAIN),
    "14-wireguard": site(config=PLAIN),
    "15-dns-hijacked": site(resolver="192.168.1.1"),
    "17-one-to-one": site(config=PLAIN, zone=WWW.replace("$wan4", "203.0.113.8")),
    "18-ipv6": site(zone=SIX),
    "19-ipv6-not-admitted": site(zone=SIX),
}
GOLDENS = Goldens(
    cases=CASES, texts=lambda case: [text(Dialect.OPENWRT, case)], home=HOME, sites=SITES
)


if __name__ == "__main__":
    GOLDENS.write()
