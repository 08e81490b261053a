"""How another system serves: to whom, what it asks where, and which names nobody gets.

It is what becomes a ``splitdns.yaml``. Readers of systems make it, ``configs`` writes it down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from splitdns.errors import Where
from splitdns.value import value

HORIZON = "inside"  # what is seen where the other system told nobody apart
# Who asks a resolver at home or in an office (RFC 1918, 6598, 4193, link-local and loopback).
INSIDE_CLIENTS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
    "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip


@dataclass(slots=True)
class ViewPlan:
    """One view: prefixes or ``any``, and what they may do. ``allowed`` are domains that may name insiders."""

    clients: list[str]
    horizon: tuple[str, ...]
    recursion: bool = True
    is_protected: bool = False
    allowed: list[str] = field(default_factory=list)
    validate: bool = False


@value(frozen=True, slots=True)
class Rule:
    """Where names under ``domain`` (complete, without the final dot; ``.`` for all) are asked."""

    domain: str
    upstreams: tuple[str, ...]
    where: Where
    views: tuple[str, ...] = ()
    strategy: str = ""


@dataclass(slots=True)
class ListPlan:
    """A blocklist: ``lines`` of a file in one of our formats; ``action`` as in the configuration."""

    lines: list[str] = field(default_factory=list)
    format: str = "domains"
    action: tuple[str, ...] = ()
    views: tuple[str, ...] = ()

    def add(self, line: str) -> None:
        if line not in self.lines[-1:]:
            self.lines.append(line)


@dataclass(slots=True)
class Service:
    """All of it; ``masters`` are master files by their names, ``lists`` are by theirs, without an ending."""

    listen: list[str] = field(default_factory=list)
    views: dict[str, ViewPlan] = field(default_factory=dict)
    forward: list[Rule] = field(default_factory=list)
    lists: dict[str, ListPlan] = field(default_factory=dict)
    masters: dict[str, str] = field(default_factory=dict)
    querylog: bool = False
    insecure: list[str] = field(default_factory=list)  # domains in which nothing is validated

    def list(self, name: str, *action: str, form: str = "domains", views: tuple[str, ...] = ()) -> ListPlan:
        """The list of that name, made where it is not there yet."""
        return self.lists.setdefault(name, ListPlan([], form, action, views))
