"""Who may recurse: nobody on the internet, whatever the other system let in.

A resolver that answers everybody is used against others, so this server does not start as one unless it is
told so twice. What was open becomes the private networks, and the import says so.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network

from splitdns.errors import Where
from splitdns.imports.entries import Found
from splitdns.imports.service import INSIDE_CLIENTS, ViewPlan
from splitdns.load.configvalues import ANY, is_open


def close(views: dict[str, ViewPlan], found: Found, where: Where) -> None:
    """Take what is open out of views that recurse, with a word at ``where``."""
    taken = {client for view in views.values() for client in view.clients}
    for name, view in views.items():
        if view.recursion and any(_is_open(client) for client in view.clients):
            view.clients = _inside(view.clients, taken)
            message = f"everybody might recurse in view {name}; here, private networks may"
            found.leave(where, message)


def _inside(clients: Collection[str], taken: Collection[str]) -> list[str]:
    more = [one for one in INSIDE_CLIENTS if one not in taken]
    return [one for one in clients if not _is_open(one)] + more


def _is_open(client: str) -> bool:
    return is_open(client if client == ANY else ip_network(client))
