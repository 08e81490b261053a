"""Gateways as pfSense and OPNsense save them, and all that the check finds there.

``cases/NAME.xml`` is a ``config.xml`` in the form that the web interfaces write, ``cases/NAME.ifconfig``
tells leased addresses; ``cases/NAME.findings`` has a line for each finding: severity, code, service, and
behind a bar the clients. `python -m tests.check.pfsense.goldens` writes the last anew, to be read before it
is kept.
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

_HERE = Path(__file__).parent
CASES = [
    case for name in ("pfsense", "opnsense") for case in sorted((_HERE.parent / name / "cases").glob("*.xml"))
]

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
PLAIN = _CONFIG.replace("HORIZON", "outside")
_ZONE = "zone: example.com\nns: [ns.example.net.]\nrecords:\n"
WWW = _ZONE + "  www: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [443/tcp]}\n"
MAIL = WWW + "  mail: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [993/tcp]}\n"


@dataclass(frozen=True)
class Site:
    """What stands beside a file; what the gateway listens on, it says itself."""

    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"
    resolver: str = "192.168.1.53"


SITES = {
    "02-reflection-and-its-outbound-nat": Site(PLAIN),
    "03-reflection-alone": Site(PLAIN),
    "04-no-reflection": Site(PLAIN),
    "05-as-it-comes": Site(PLAIN),
    "06-hairpin-by-hand": Site(PLAIN),
    "07-wrong-host-and-port": Site(
        zone=MAIL, hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
    ),
    "09-filtered": Site(zone=MAIL),
    "12-dmz-and-openvpn": Site(PLAIN, WWW.replace("192.168.1.20", "192.168.20.20")),
    "13-redirected-dns-by-halves": Site(resolver="192.168.1.1"),
    "14-leased-wan": Site(PLAIN),
    "15-one-to-one": Site(PLAIN, WWW.replace("$wan4", "203.0.113.8")),
    "18-leased-wan-of-the-configuration": Site(PLAIN),
    "16-ipv6": Site(zone=WWW.replace("$wan4}", '$wan4}, AAAA: "2001:db8:1::20"')),
}


def findings(case: Path, directory: Path) -> list[Finding]:
    """All that the check finds; ``directory`` is for the configuration's files."""
    site = SITES.get(case.stem, Site())
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    config.write_text(f"{site.config}gateway:\n  resolver: [{site.resolver}]\n  hosts: {site.hosts}\n")
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    texts = [Text(Dialect(case.parent.parent.name), case.name, case.read_text())]
    told = case.with_suffix(".ifconfig")
    if told.exists():
        texts.append(Text(Dialect.IFCONFIG, told.name, told.read_text()))
    return list(check(gather(texts, settings, Where("splitdns.yaml")), settings, loaded).findings)


def shown(finding: Finding) -> str:
    who = f" | {', '.join(sorted(finding.clients))}" if finding.clients else ""
    return " ".join(filter(None, (str(finding.severity), finding.code, finding.subject))) + who


def golden(case: Path) -> Path:
    return case.with_suffix(".findings")


def _main() -> None:
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory:
            found = findings(case, Path(directory))
        golden(case).write_text("".join(f"{line}\n" for line in sorted(map(shown, found))))
        for one in found:
            print(f"{case.parent.parent.name} {case.stem}: {shown(one)}\n    {one.message}")


if __name__ == "__main__":
    _main()
