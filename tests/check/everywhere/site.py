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
  lan:      {clients: [192.168.1.0/24],  horizon: [INSIDE],  recursion: true}
  vpn:      {clients: [10.8.0.0/24],     horizon: [INSIDE],  recursion: true}
  dmz:      {clients: [192.168.20.0/24], horizon: [inside],  recursion: true}
  internet: {clients: [any],             horizon: [outside], recursion: false}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""
SPLIT = _CONFIG.replace("INSIDE", "inside")  # who is inside is told inside addresses
PLAIN = _CONFIG.replace("INSIDE", "outside")  # everybody but the DMZ is told the public address

WWW = """\
zone: example.com
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [443/tcp]}
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """``shape``: which interfaces the gateway has (``networks``).

    ``hosts`` and ``resolver`` stand in the configuration's ``gateway`` section, whose ``listens`` is always
    22/tcp, 53/tcp and 53/udp.
    """

    shape: str = "lan"
    config: str = SPLIT
    zone: str = WWW
    hosts: str = "{}"
    resolver: str = "192.168.1.53"


def checked(site: Site, texts: Iterable[Text], directory: Path) -> Checked:
    """What the check says of ``site``, whose gateway says ``texts``; ``directory`` is for its files."""
    config = directory / "splitdns.yaml"
    (directory / "zones").mkdir(exist_ok=True)
    (directory / "zones" / "example.com.yaml").write_text(site.zone)
    config.write_text(
        f"{site.config}gateway:\n  resolver: [{site.resolver}]\n  hosts: {site.hosts}\n"
        f"  listens: [22/tcp, 53/tcp, 53/udp]\n"
    )
    loaded = load(config, generation=1, now_s=0.0)
    assert not loaded.faults, loaded.faults
    settings = loaded.settings.gateway
    assert settings is not None
    return check(gather([*texts], settings, Where("splitdns.yaml")), settings, loaded)
