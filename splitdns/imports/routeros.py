"""RouterOS: ``/ip dns static`` (help.mikrotik.com, "DNS").

A RouterOS device answers what it has there and forwards all else. It asks regular expressions first, and only
then names; so do we not (semantics 7), and say where that makes a difference.
"""

from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros.config import Config, Item, read
from splitdns.check.dialects.routeros.values import seconds
from splitdns.imports.entries import Entry, Found

MENU = "ip dns static"
# Where each type's value stands, as a master file has it.
_VALUES = {
    "CNAME": ("cname",),
    "NS": ("ns",),
    "MX": ("mx-preference", "mx-exchange"),
    "SRV": ("srv-priority", "srv-weight", "srv-port", "srv-target"),
    "TXT": ("text",),
}
_NAMES = ("cname", "ns", "mx-exchange", "srv-target")
_KNOWN = frozenset({
    "name", "regexp", "type", "address", "ttl", "match-subdomain", "disabled", "comment", "address-list",
    "forward-to", "cname", "ns", "mx-exchange", "mx-preference", "srv-priority", "srv-weight", "srv-port",
    "srv-target", "text",
})  # fmt: skip


def found_in(texts: list[Printed]) -> Found:
    """The static entries of an export.

    Raises:
        ExceptionGroup[ConfigError]: it is no script of RouterOS.
    """
    config: Config = read(texts)
    found = Found(patterns_first=True)
    for item in config.items.get(MENU, ()):
        _add(item, found)
    return found


def _add(item: Item, found: Found) -> None:
    where = item.origin.where
    name = item.get("regexp") or item.get("name")
    if not item.enabled:
        found.leave(where, f"left out: {name} is disabled")
        return
    if not name:
        found.leave(where, "left out: it has neither a name nor a regexp")
        return
    rdtype = item.get("type", "A").upper()
    if rdtype == "FWD" or (item.has("forward-to") and not item.has("type")):
        _forwarded(item, name, found)
        return
    if rdtype == "NXDOMAIN":
        beneath = " and what is beneath it" if item.get("match-subdomain") == "yes" else ""
        found.leave(where, f"{name}{beneath} does not exist there: put it into a blocklist")
        return
    for key in item.words:
        if key not in _KNOWN:
            found.leave(where, f"{key} of {name} is not known here, and left out")
    if item.has("address-list"):
        found.leave(where, f"the answers of {name} are no longer put into list {item.get('address-list')}")
    entry = _entry(item, name, rdtype, found)
    if entry is not None:
        found.entries.append(entry)


def _forwarded(item: Item, name: str, found: Found) -> None:
    to = item.get("forward-to")
    if item.has("regexp"):
        found.leave(item.origin.where, f"names like {name} are forwarded to {to}: forward whole domains")
        return
    rule = f"{{domains: [{name}], upstreams: [{to}]}}"
    alone = "" if item.get("match-subdomain") == "yes" else ", which takes what is beneath it, too"
    found.leave(item.origin.where, f"{name} is forwarded: write {rule} under `forward`{alone}")


def _entry(item: Item, name: str, rdtype: str, found: Found) -> Entry | None:
    where = item.origin.where
    if rdtype in ("A", "AAAA"):
        try:
            address = ip_address(item.get("address"))
        except ValueError:
            found.leave(where, f"left out: expected an address for {name}, found {item.get('address')!r:.60}")
            return None
        rdtype, value = "A" if address.version == 4 else "AAAA", str(address)
    elif rdtype in _VALUES:
        missing = [key for key in _VALUES[rdtype] if not item.has(key) and not _usual(key)]
        if missing:
            found.leave(where, f"left out: {name} has no {missing[0]}")
            return None
        value = " ".join(_value(item, key) for key in _VALUES[rdtype])
    else:
        found.leave(where, f"left out: {name} is of type {rdtype:.20}, which is not known here")
        return None
    ttl_s = seconds(item.get("ttl")) if item.has("ttl") else None
    is_pattern = item.has("regexp")
    if is_pattern and rdtype == "NS":
        found.leave(where, f"left out: {name} is a pattern, and those have no name servers")
        return None
    beneath = not is_pattern and item.get("match-subdomain") == "yes"
    return Entry(name if is_pattern else name.rstrip("."), rdtype, value, where, ttl_s, is_pattern, beneath)


def _usual(key: str) -> str:
    return "0" if key in ("mx-preference", "srv-priority", "srv-weight") else ""


def _value(item: Item, key: str) -> str:
    text = item.get(key, _usual(key))
    return f"{text.rstrip('.')}." if key in _NAMES else text
