"""Gateways of VyOS, EdgeOS and UniFi as they keep their configuration, and all that the check finds there.

``cases/DIALECT/NAME.*`` is a configuration in the form that the vendors' documentation shows, and
``NAME.findings`` has a line for each finding: severity, code, service, and behind a bar the clients.
`python -m tests.check.vyos.goldens` writes the latter anew, to be read before they are kept.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from splitdns.check.check import check
from splitdns.check.fetch import Text
from splitdns.check.finding import Finding
from splitdns.check.gather import gather
from splitdns.errors import Where
from splitdns.load.gateway import Dialect
from splitdns.load.load import load

CASES = sorted(
    path for path in Path(__file__).with_name("cases").glob("*/*") if path.suffix != ".findings"
)

_CONFIG = """\
listen: ["0.0.0.0:53"]
views:
  lan:      {clients: [192.168.1.0/24, "2001:db8:1::/64"], horizon: [HORIZON], recursion: true}
  vpn:      {clients: [10.8.0.0/24], horizon: [HORIZON], recursion: true}
  dmz:      {clients: [192.168.20.0/24], horizon: [inside], recursion: true}
  internet: {clients: [any], horizon: [outside], recursion: false}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""
SPLIT = _CONFIG.replace("HORIZON", "inside")
PLAIN = _CONFIG.replace("HORIZON", "outside")  # everybody but the DMZ is told the public address
_ZONE = "zone: example.com\nns: [ns.example.net.]\nrecords:\n"
WWW = _ZONE + "  www: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [443/tcp]}\n"
IN_DMZ = WWW.replace("192.168.1.20", "192.168.20.20")
MAIL = WWW + "  mail: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [993/tcp]}\n"
WITH_IPV6 = WWW.replace("$wan4}", '$wan4}, AAAA: "2001:db8:1::20"')


@dataclass(frozen=True)
class Site:
    """What stands beside a configuration; what the gateway listens on, it says itself."""

    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"


_LISTENING = "{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
SITES = {
    "vyos/02-hairpin": Site(PLAIN),
    "vyos/03-forward-by-interface": Site(PLAIN),
    "vyos/04-hairpin-of-1.3": Site(PLAIN),
    "vyos/05-wrong-host-and-port": Site(zone=MAIL, hosts=_LISTENING),
    "vyos/10-zones-of-1.3": Site(PLAIN, IN_DMZ),
    "vyos/11-zones-of-1.4": Site(PLAIN, IN_DMZ),
    "vyos/14-one-to-one": Site(zone=WWW.replace("$wan4", "203.0.113.8")),
    "vyos/15-ipv6": Site(zone=WITH_IPV6),
    "edgeos/01-port-forward-and-hairpin": Site(PLAIN),
    "edgeos/02-port-forward-alone": Site(PLAIN),
    "edgeos/03-hairpin-for-one-network": Site(PLAIN),
    "edgeos/05-nat-and-hairpin": Site(PLAIN),
    "edgeos/06-wrong-host-and-port": Site(zone=MAIL, hosts=_LISTENING),
    "edgeos/10-dmz-and-wireguard": Site(PLAIN, IN_DMZ),
    "edgeos/13-switch-and-guests": Site(PLAIN),
    "edgeos/14-ipv6": Site(zone=WITH_IPV6),
    "unifi/dmz": Site(PLAIN, IN_DMZ),
    "unifi/guests": Site(PLAIN),
    "unifi/ipv6": Site(zone=WITH_IPV6),
    "unifi/leased-and-told": Site(PLAIN),
    "unifi/port-forward": Site(PLAIN),
    "unifi/usg-dmz-and-wireguard": Site(PLAIN, IN_DMZ),
    "unifi/usg-nat-and-hairpin": Site(PLAIN),
    "unifi/wrong-host-and-port": Site(zone=MAIL, hosts=_LISTENING),
}


def name(case: Path) -> str:
    """The dialect and the name of a case, as in ``SITES``."""
    return f"{case.parent.name}/{case.stem}"


def findings(case: Path, directory: Path) -> list[Finding]:
    """All that the check finds; ``directory`` is for the configuration's files."""
    site = SITES.get(name(case), Site())
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    config.write_text(f"{site.config}gateway:\n  resolver: [192.168.1.53]\n  hosts: {site.hosts}\n")
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    text = Text(Dialect(case.parent.name), case.name, case.read_text())
    return list(check(gather([text], settings, Where("splitdns.yaml")), settings, loaded).findings)


def shown(finding: Finding) -> str:
    who = f" | {', '.join(sorted(finding.clients))}" if finding.clients else ""
    return " ".join(filter(None, (str(finding.severity), finding.code, finding.subject))) + who


def golden(case: Path) -> Path:
    return case.with_name(f"{case.stem}.findings")


def _main() -> None:
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory:
            found = findings(case, Path(directory))
        golden(case).write_text("".join(f"{line}\n" for line in sorted(map(shown, found))))
        for one in found:
            print(f"{name(case)}: {shown(one)}\n    {one.message}")


if __name__ == "__main__":
    _main()
