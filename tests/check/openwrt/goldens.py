"""Routers as ``uci export`` prints them, and all that the check finds there.

``cases/NAME.uci`` is a configuration in the form of OpenWrt's own files; ``cases/NAME.findings`` has a line
for each finding: severity, code, service, and behind a bar the clients.
`python -m tests.check.openwrt.goldens` writes the latter anew, to be read before they are kept.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from splitdns.check.check import Checked, check
from splitdns.check.fetch import Text
from splitdns.check.finding import Finding
from splitdns.check.gather import gather
from splitdns.errors import Where
from splitdns.load.gateway import Dialect
from splitdns.load.load import load

CASES = sorted(Path(__file__).with_name("cases").glob("*.uci"))

_CONFIG = """\
listen: ["0.0.0.0:53"]
views:
  lan:      {clients: [192.168.1.0/24, "2001:db8:1::/64", "fd00::/8"], horizon: [HORIZON], recursion: true}
  others:   {clients: [192.168.9.0/24, 10.0.0.0/24, 10.8.0.0/24], horizon: [OTHERS], recursion: true}
  internet: {clients: [any], horizon: [outside], recursion: false}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""
SPLIT = _CONFIG.replace("HORIZON", "inside").replace("OTHERS", "inside")
PLAIN = _CONFIG.replace("HORIZON", "outside").replace("OTHERS", "outside")
_ZONE = "zone: example.com\nns: [ns.example.net.]\nrecords:\n"
WWW = _ZONE + "  www: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [443/tcp]}\n"
MAIL = WWW + "  mail: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [993/tcp]}\n"
SIX = WWW.replace("$wan4}", '$wan4}, AAAA: "2001:db8:1::20"')
DMZ = WWW.replace("192.168.1.20", "10.0.0.20")


@dataclass(frozen=True)
class Site:
    """What stands beside a configuration."""

    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"
    resolver: str = "192.168.1.53"


SITES = {
    "01-home": Site(PLAIN),
    "02-reflection-off": Site(PLAIN),
    "03-leased-address": Site(PLAIN),
    "04-pppoe-with-status": Site(PLAIN),
    "05-old-bridge": Site(PLAIN),
    "06-wrong-host-and-port": Site(
        zone=MAIL, hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
    ),
    "11-dmz": Site(PLAIN, DMZ),
    "12-dmz-reflected-to-the-lan": Site(PLAIN, DMZ),
    "13-guests-on-a-vlan": Site(PLAIN),
    "14-wireguard": Site(PLAIN),
    "15-dns-hijacked": Site(resolver="192.168.1.1"),
    "17-one-to-one": Site(PLAIN, zone=WWW.replace("$wan4", "203.0.113.8")),
    "18-ipv6": Site(zone=SIX),
    "19-ipv6-not-admitted": Site(zone=SIX),
}


def checked(case: Path, directory: Path) -> Checked:
    """The check of a case; ``directory`` is for the configuration's files."""
    site = SITES.get(case.stem, Site())
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    config.write_text(
        f"{site.config}gateway:\n  resolver: [{site.resolver}]\n  hosts: {site.hosts}\n"
        "  listens: [22/tcp, 53/tcp, 53/udp, 80/tcp]\n"
    )
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    text = Text(Dialect.OPENWRT, case.name, case.read_text())
    return check(gather([text], settings, Where("splitdns.yaml")), settings, loaded)


def shown(finding: Finding) -> str:
    who = f" | {', '.join(sorted(finding.clients))}" if finding.clients else ""
    return " ".join(filter(None, (str(finding.severity), finding.code, finding.subject))) + who


def golden(case: Path) -> Path:
    return case.with_suffix(".findings")


def _main() -> None:
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory:
            found = checked(case, Path(directory)).findings
        golden(case).write_text("".join(f"{line}\n" for line in sorted(map(shown, found))))
        for one in found:
            print(f"{case.stem}: {shown(one)}\n    {one.message}")


if __name__ == "__main__":
    _main()
