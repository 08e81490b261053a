"""A gateway that keeps what a zone promises, and what is left of its rules without one of them."""

from __future__ import annotations

from tests.check.world import filtered
from tests.daemon.server import Site
from tests.unit.cli import gateway

WEB = """\
zone: example.com
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.10.20, outside: $wan4}, expose: [443/tcp]}
"""
# A gateway that forwards what the zone promises, and lets nothing else in.
FILTER = filtered(
    "-A INPUT -i lo -j ACCEPT\n",
    "-A INPUT -i lan0 -j ACCEPT\n",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n",
    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n",
    "-A FORWARD -i lan0 -j ACCEPT\n",
    "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT\n",
    input="DROP",
)
WHOLE = gateway.RULES + FILTER
WITHOUT_FORWARD = "".join(line for line in WHOLE.splitlines(True) if "DNAT --to-destination" not in line)


def lay(site: Site) -> None:
    """Add it, and the zone, to a site that has its public address."""
    gateway.lay(site.path, WHOLE)
    site.write("example.com.yaml", WEB)


def put(site: Site, rules: str) -> None:
    """Let the gateway have other rules."""
    new = site.path / ".rules.v4"
    new.write_text(rules)
    new.rename(site.path / "rules.v4")
