"""DNS rebinding: a name out there that resolves to an address in here.

A web page is allowed to talk to the host that it came from. If that host's name suddenly means 192.168.1.1,
the page talks to the router. So an inside address is taken out of what upstreams say, unless it can be meant:
for a name of ours, beneath a domain that a forward rule sends to a resolver of its own, or that the
configuration allows, or beneath one of the top domains that nobody can register.
"""

from __future__ import annotations

from splitdns.addresses import is_inside
from splitdns.answer.guard import without
from splitdns.names import ROOT, Qname, ancestors, from_text, parent
from splitdns.records import RRset
from splitdns.view import View

REASON = "an inside address for a name that is not: DNS rebinding"

# RFC 6762 appendix G, and what routers use: these will not be delegated, so no stranger has a name in them.
PRIVATE_TOPS = frozenset(
    from_text(f"{top}.")
    for top in ("intranet", "internal", "private", "corp", "home", "lan", "localdomain", "home.arpa", "local")
)


def protected(rrsets: tuple[RRset, ...], view: View) -> tuple[tuple[RRset, ...], int]:
    """What an upstream said without inside addresses of strange names, and how many records lost something.

    A record set that loses all is left without rdata, so that whoever follows the aliases knows that it was
    there.
    """
    if not view.policy.rebinding:
        return rrsets, 0
    kept, taken = [], 0
    for rrset in rrsets:
        left = without(rrset, is_inside)
        if left is not rrset and is_trusted(rrset.name, view):
            left = rrset
        if left is not rrset:
            taken += sum(rdata not in left.rdatas for rdata in rrset.rdatas)
        kept.append(left)
    return (tuple(kept), taken) if taken else (rrsets, 0)


def is_trusted(name: Qname, view: View) -> bool:
    """Whether ``name`` may have an inside address, whoever says so."""
    decided = False
    for ancestor in ancestors(name):
        if ancestor in view.policy.trusted or ancestor in PRIVATE_TOPS:
            return True
        if not decided and (ancestor in view.zones or ancestor in view.routes):
            if ancestor in view.zones or ancestor != ROOT:
                return True
            decided = True
    return name != ROOT and parent(name) == ROOT
