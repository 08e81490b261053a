"""Gateways as RouterOS exports them, and all that the check finds there.

``cases/NAME.rsc`` is an export in the form that MikroTik's documentation shows; ``cases/NAME.findings`` has a
line for each finding: severity, code, service, and behind a bar the clients. `python -m
tests.check.routeros.goldens` writes the latter anew, to be read before they are kept.
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

CASES = sorted(Path(__file__).with_name("cases").glob("*.rsc"))

_CONFIG = """\
listen: ["0.0.0.0:53"]
views:
  lan:      {clients: [192.168.88.0/24, "2001:db8:1::/64"], horizon: [HORIZON], recursion: true}
  others:   {clients: [192.168.20.0/24, 10.0.0.0/24, 10.8.0.0/24], horizon: [inside], recursion: true}
  internet: {clients: [any], horizon: [outside], recursion: false}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""
SPLIT = _CONFIG.replace("HORIZON", "inside")
PLAIN = _CONFIG.replace("HORIZON", "outside")
_ZONE = "zone: example.com\nns: [ns.example.net.]\nrecords:\n"
WWW = _ZONE + "  www: {A: {inside: 192.168.88.20, outside: $wan4}, expose: [443/tcp]}\n"


@dataclass(frozen=True)
class Site:
    """What stands beside an export; what the gateway listens on, it says itself."""

    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"


SITES = {
    "02-hairpin": Site(PLAIN),
    "03-no-hairpin": Site(PLAIN),
    "04-local-one-network": Site(PLAIN),
    "05-local-two-networks": Site(PLAIN),
    "06-cloud-name": Site(PLAIN),
    "08-wrong-host-and-port": Site(
        zone=WWW + "  mail: {A: {inside: 192.168.88.20, outside: $wan4}, expose: [993/tcp]}\n",
        hosts="{web: {addresses: [192.168.88.20/24], listens: [443/tcp, 993/tcp]}}",
    ),
    "13-dmz-and-wireguard": Site(PLAIN, WWW.replace("192.168.88.20", "10.0.0.20")),
    "15-one-to-one": Site(zone=WWW.replace("$wan4", "203.0.113.8")),
    "16-ipv6": Site(zone=WWW.replace("$wan4}", '$wan4}, AAAA: "2001:db8:1::20"')),
}


def findings(case: Path, directory: Path) -> list[Finding]:
    """All that the check finds; ``directory`` is for the configuration's files."""
    site = SITES.get(case.stem, Site())
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    config.write_text(f"{site.config}gateway:\n  resolver: [192.168.88.53]\n  hosts: {site.hosts}\n")
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    text = Text(Dialect.ROUTEROS, case.name, case.read_text())
    return list(check(gather([text], settings, Where("splitdns.yaml")), settings, loaded).findings)


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
            print(f"{case.stem}: {shown(one)}\n    {one.message}")


if __name__ == "__main__":
    _main()
