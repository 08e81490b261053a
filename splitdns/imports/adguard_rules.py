"""Filtering rules that somebody typed in, of AdGuard Home (github.com/AdguardTeam/AdGuardHome/wiki, "Hosts
Blocklists"; adguard-dns.io/kb, "DNS filtering rules syntax").

What names a domain, and all beneath, is what our lists have, too; so are lines of a hosts file. Expressions,
and rules for some clients or types, are told.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from splitdns.errors import Where
from splitdns.imports.entries import Entry, Found
from splitdns.imports.service import Service

_RULE = re.compile(r"(@@)?\|\|([A-Za-z0-9._-]+)\^?(?:\$(.*))?")
_NULL = frozenset(("0.0.0.0", "::", "127.0.0.1", "::1"))
_RCODES = {"NXDOMAIN": (), "REFUSED": ("refused",)}


def take(rule: str, where: Where, action: tuple[str, ...], found: Found, service: Service) -> None:
    """One rule, as a list's line or a record; ``action`` is what blocked names get."""
    text = rule.strip()
    if not text or text.startswith(("!", "#")):
        return
    words = text.partition("#")[0].split()
    match = _RULE.fullmatch(text)
    if match is not None:
        _domain(match, where, action, found, service)
    elif len(words) > 1 and _is_address(words[0]):
        for name in words[1:]:
            if words[0] in _NULL:
                service.list("blocked", *action, form="adblock").add(name)
            else:
                rdtype = "AAAA" if ":" in words[0] else "A"
                found.entries.append(Entry(name.rstrip("."), rdtype, str(ip_address(words[0])), where))
    elif len(words) == 1 and re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", text):
        service.list("blocked", *action, form="adblock").add(text)
    else:
        found.leave(where, f"left out: the rule {text[:80]}; lists have names, and `||name^`")


def _domain(
    match: re.Match[str], where: Where, action: tuple[str, ...], found: Found, service: Service
) -> None:
    exception, name, modifiers = match.groups()
    if modifiers and modifiers.startswith("dnsrewrite=") and not exception:
        value = modifiers.removeprefix("dnsrewrite=")
        if value in _RCODES:
            service.list(value.lower(), *_RCODES[value], form="adblock").add(f"||{name}^")
        elif _is_address(value):
            rdtype = "AAAA" if ":" in value else "A"
            found.entries.append(Entry(name, rdtype, str(ip_address(value)), where, beneath=True))
        else:
            found.leave(where, f"left out: the rule {match[0][:80]}; write a record into a zone")
    elif modifiers and modifiers != "important":
        found.leave(where, f"left out: the rule {match[0][:80]}; there are no modifiers here")
    else:
        service.list("blocked", *action, form="adblock").add(f"{exception or ''}||{name}^")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
