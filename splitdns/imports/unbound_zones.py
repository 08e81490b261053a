"""Local zones of Unbound: a type for each, which says what becomes of names in it (unbound.conf(5)).

What a zone answers with records is a zone here; what it withholds is a list. Unbound asks its local zones
before it forwards, whatever domains are forwarded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from splitdns.errors import ConfigError, Where
from splitdns.imports.entries import Entry, Found
from splitdns.imports.rrtext import full, plain, record
from splitdns.imports.service import ListPlan, Service
from splitdns.imports.unbound_lines import Attribute, Clause
from splitdns.names import from_text, is_under, reverse_name, to_text

NULL = ("0.0.0.0", "::")
# What a type does to all names of its zone, whatever records there are: a list's name and its action.
_ALWAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "always_refuse": ("refused", ("refused",)),
    "always_nxdomain": ("nothing", ()),
    "always_nodata": ("empty", ("nodata",)),
    "always_deny": ("dropped", ("drop",)),
    "always_null": ("null", NULL),
}
# And to names without a record.
_OTHERS = {"deny": "always_deny", "inform_deny": "always_deny", "refuse": "always_refuse"}
_OPEN = frozenset(("transparent", "typetransparent", "inform", "nodefault", "always_transparent"))
_CLOSED = frozenset(("static", "redirect", "inform_redirect"))
POLICY = ["$TTL 60", "@ SOA localhost. nobody.invalid. 1 3600 1200 604800 60", "@ NS localhost."]


@dataclass(slots=True)
class LocalZones:
    """The zones and records of the server itself, or of one view; ``horizon`` is who sees them."""

    horizon: str
    views: tuple[str, ...] = ()
    types: dict[str, tuple[str, Where]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def read(self, clause: Clause, found: Found) -> None:
        """Take a clause's zones and data.

        Raises:
            ConfigError: a zone has no type, or an address is none.
        """
        for one in clause.attributes:
            if one.name == "local-zone":
                self._zone(one)
            elif one.name == "local-data":
                self._data(one, one.value, found)
            elif one.name == "local-data-ptr":
                self._pointer(one, found)

    def _zone(self, one: Attribute) -> None:
        known = {*_ALWAYS, *_OTHERS, *_OPEN, *_CLOSED, "block_a", "ipset", "noview"}
        if len(one.values) != 2 or one.values[1] not in known:
            raise ConfigError(one.where, f"expected a zone and its type, found {one.value!r:.60}")
        name = plain(one.values[0]).lower()
        try:
            from_text(full(name))
        except ValueError as error:
            raise ConfigError(one.where, str(error)) from None
        self.types[name] = one.values[1], one.where

    def _data(self, one: Attribute, text: str, found: Found) -> None:
        try:
            entry = record(text, one.where)
        except ValueError as error:
            raise ConfigError(one.where, str(error)) from None
        if entry.rdtype == "SOA":
            found.leave(one.where, f"left out: the SOA of {entry.name}; `soa` in a zone sets parts of it")
        else:
            self.entries.append(replace(entry, horizons=(self.horizon,)))

    def _pointer(self, one: Attribute, found: Found) -> None:
        address, *words = one.value.split() or [""]
        try:
            name = to_text(reverse_name(address if words else ""))
        except ValueError:
            raise ConfigError(one.where, f"expected an address and a name, found {one.value!r:.60}") from None
        self._data(one, " ".join([name, *words[:-1], "PTR", words[-1]]), found)

    def settle(self, found: Found, service: Service) -> None:
        """All of it as entries, closed zones and lists."""
        for name, (kind, where) in self.types.items():
            self._settle_zone(name, kind, where, found, service)
        for entry in self.entries:
            self._settle_entry(entry, found, service)

    def _settle_zone(self, name: str, kind: str, where: Where, found: Found, service: Service) -> None:
        if kind in ("block_a", "ipset", "noview"):
            found.leave(where, f"left out: there is nothing like the type {kind} here")
        elif kind in _CLOSED and not self._is_alias(name):
            found.close(name, (self.horizon,))
        elif kind in _ALWAYS or kind in _OTHERS:
            self._list(_OTHERS.get(kind, kind), service).add(f"*.{name}")
        elif kind != "nodefault" and self._above(name) in (*_ALWAYS, *_OTHERS):
            service.list(self._label("asked"), "allow", views=self.views).add(f"*.{name}")
        if kind.startswith("inform"):
            found.leave(where, f"questions for {name} are logged no more than others: see `querylog`")

    def _list(self, kind: str, service: Service) -> ListPlan:
        name, action = _ALWAYS[kind]
        return service.list(self._label(name), *action, views=self.views)

    def _label(self, name: str) -> str:
        """A list's name; views have lists of their own."""
        return f"{name}-{self.horizon}" if self.views else name

    def _settle_entry(self, entry: Entry, found: Found, service: Service) -> None:
        zone, kind = self.zone_of(entry.name)
        if kind in _ALWAYS or kind in ("always_transparent", "block_a", "ipset", "noview"):
            found.leave(entry.where, f"left out: {zone} is of type {kind}, whatever records it has")
        elif kind in ("redirect", "inform_redirect") and entry.rdtype == "CNAME":
            plan = service.list(self._label("aliases"), form="rpz", views=self.views)
            if not plan.lines:
                plan.lines += POLICY
            plan.lines += [f"{full(one)} CNAME {entry.value}" for one in (entry.name, f"*.{entry.name}")]
        elif kind in ("redirect", "inform_redirect"):
            found.entries.append(replace(entry, beneath=True))
        else:
            found.entries.append(replace(entry, is_open=kind == "typetransparent"))

    def _above(self, zone: str) -> str:
        return self.zone_of(zone.partition(".")[2])[1]

    def _is_alias(self, zone: str) -> bool:
        own = [one for one in self.entries if one.name.lower() == zone]
        return bool(own) and all(one.rdtype == "CNAME" for one in own)

    def zone_of(self, name: str) -> tuple[str, str]:
        """The nearest zone that a name is in, and its type."""
        labels = plain(name).lower()
        while labels:
            if labels in self.types:
                return labels, self.types[labels][0]
            labels = labels.partition(".")[2]
        return "", "transparent"

    def decides(self, domain: str) -> bool:
        """Whether nothing under a domain is ever forwarded."""
        zone, kind = self.zone_of(domain)
        return bool(zone) and kind not in _OPEN and is_under(from_text(full(domain)), from_text(full(zone)))
