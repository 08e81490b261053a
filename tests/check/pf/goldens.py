"""Gateways of OpenBSD and FreeBSD as people have them, and all that the check finds there.

``cases/openbsd/NAME.conf`` is a pf.conf in the form that pf.conf(5) shows, beside one network's ``ifconfig``
and ``netstat``; ``NAME.findings`` has a line for each finding: severity, code, service, and behind a bar the
clients. `python -m tests.check.pf.goldens` writes the latter anew, to be read before they are kept.
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

HERE = Path(__file__).with_name("cases")
CASES = sorted(HERE.glob("*/*.conf"))

_CONFIG = """\
listen: ["0.0.0.0:53"]
views:
  lan:      {clients: [192.168.1.0/24, "2001:db8:1::/64"], horizon: [HORIZON], recursion: true}
  others:   {clients: [192.168.20.0/24, 10.8.0.0/24], horizon: [inside], recursion: true}
  internet: {clients: [any], horizon: [outside], recursion: false}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""
SPLIT = _CONFIG.replace("HORIZON", "inside")
PLAIN = _CONFIG.replace("HORIZON", "outside")
WWW = """\
zone: example.com
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [443/tcp]}
"""
DMZ = WWW.replace("192.168.1.20", "192.168.20.20")
MAIL = WWW + "  mail: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [993/tcp]}\n"
SIX = WWW.replace("$wan4}", '$wan4}, AAAA: "2001:db8:1::20"')
GAME = WWW + "  game: {A: {inside: 192.168.1.30, outside: $wan4}, expose: [27015/udp]}\n"


@dataclass(frozen=True)
class Site:
    """What stands beside a pf.conf; ``ifconfig``: the file with what that command says."""

    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"
    ifconfig: str = "ifconfig"


_MAIL_HOST = "{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}"
SITES = {
    "02-hairpin": Site(PLAIN),
    "03-no-hairpin": Site(PLAIN),
    "04-uplink-only": Site(PLAIN),
    "05-wrong-host-and-port": Site(zone=MAIL, hosts=_MAIL_HOST),
    "09-wide-range": Site(zone=GAME),
    "11-dmz-and-vpn": Site(PLAIN, DMZ),
    "13-leased-address": Site(ifconfig="ifconfig-leased"),
    "14-one-to-one": Site(zone=DMZ.replace("$wan4", "203.0.113.8")),
    "15-ipv6": Site(zone=SIX),
}


def findings(case: Path, directory: Path) -> list[Finding]:
    """All that the check finds; ``directory`` is for the configuration's files."""
    site = SITES.get(case.stem, Site())
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    listens = "[22/tcp, 53/tcp, 53/udp, 51820/udp]"
    config.write_text(
        f"{site.config}gateway:\n  resolver: [192.168.1.53, 203.0.113.7]\n  hosts: {site.hosts}\n"
        f"  listens: {listens}\n"
    )
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    paths = {Dialect.PF: case, Dialect.IFCONFIG: HERE / site.ifconfig, Dialect.NETSTAT: HERE / "netstat"}
    texts = [Text(dialect, path.name, path.read_text()) for dialect, path in paths.items()]
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
            print(f"{case.parent.name}/{case.stem}: {shown(one)}\n    {one.message}")


if __name__ == "__main__":
    _main()
