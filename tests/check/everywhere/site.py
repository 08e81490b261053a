"""A network that several dialects write down: all but the gateway's own files; and the check of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from splitdns.check.check import Checked, check
from splitdns.check.fetch import Text
from splitdns.check.gather import gather
from splitdns.errors import Where
from splitdns.load.load import load

_CONFIG = """\
listen: ["0.0.0.0:53"]
views:
VIEWS  internet: {clients: [any],             horizon: [outside], recursion: false}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""


def configs(views: str) -> tuple[str, str]:
    """The configuration where the horizon INSIDE of ``views`` is inside, and the one where it is outside."""
    config = _CONFIG.replace("VIEWS", views)
    return config.replace("INSIDE", "inside"), config.replace("INSIDE", "outside")


# By the first, who is inside is told inside addresses; by the second, everybody but the DMZ the public one.
SPLIT, PLAIN = configs("""\
  lan:      {clients: [192.168.1.0/24, "2001:db8:1::/64"], horizon: [INSIDE], recursion: true}
  vpn:      {clients: [10.8.0.0/24],     horizon: [INSIDE],  recursion: true}
  dmz:      {clients: [192.168.20.0/24], horizon: [inside],  recursion: true}
""")

WWW = """\
zone: example.com
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [443/tcp]}
"""
MAIL = WWW + "  mail: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [993/tcp]}\n"
SIX = WWW.replace("$wan4}", '$wan4}, AAAA: "2001:db8:1::20"')


@dataclass(frozen=True, kw_only=True)
class Site:
    """``shape``: which interfaces the gateway has (``networks``).

    ``hosts``, ``resolver`` and ``listens`` stand in the configuration's ``gateway`` section; with
    ``null`` there, the gateway says itself on what it listens.
    """

    shape: str = "lan"
    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"
    resolver: str = "192.168.1.53"
    listens: str = "[22/tcp, 53/tcp, 53/udp]"


def checked(site: Site, texts: Iterable[Text], directory: Path) -> Checked:
    """What the check says of ``site``, whose gateway says ``texts``; ``directory`` is for its files."""
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir(exist_ok=True)
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    config.write_text(
        f"{site.config}gateway:\n  resolver: [{site.resolver}]\n  hosts: {site.hosts}\n"
        f"  listens: {site.listens}\n"
    )
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    return check(gather([*texts], settings, Where("splitdns.yaml")), settings, loaded)
