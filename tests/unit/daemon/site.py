"""A configuration with zones of one host each, and the generations that are loaded from it."""

from __future__ import annotations

from pathlib import Path

from splitdns.load.load import Loaded, load

CONFIG = """\
listen: ["127.0.0.1:0"]
views:
  lan:      {clients: [192.168.0.0/16], horizon: [inside], recursion: true}
  internet: {clients: [any], horizon: [outside]}
zones: [zones]
forward: [{domains: ["."], upstreams: [192.0.2.53]}]
"""


class Site:
    """A directory with them."""

    def __init__(self, path: Path, more: str = "") -> None:
        self.config = path / "splitdns.yaml"
        self.zones = path / "zones"
        self.zones.mkdir()
        self.config.write_text(CONFIG + more)
        self.generation = 0

    def write(self, name: str, host: int, more: str = "") -> None:
        (self.zones / f"{name}.yaml").write_text(
            f"zone: {name}\nns: [ns.example.net.]\nrecords:\n"
            f"  www: {{A: {{inside: 192.168.0.{host}, outside: 203.0.113.{host}}}}}\n{more}"
        )

    def load(self, previous: Loaded | None = None) -> Loaded:
        self.generation += 1
        return load(self.config, previous=previous, generation=self.generation, now_s=0.0)
