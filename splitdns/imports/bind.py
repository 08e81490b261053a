"""BIND: named.conf with its views, and the master files of its zones (BIND 9 ARM).

The first view whose ``match-clients`` has a client is that client's; here it is the longest prefix, and
``clients.division`` makes one of the other. Who of them may recurse is a list of its own, so that a view of
BIND may become two. Zones are master files already; each goes to the horizon of its view.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Problems, Where, all_at_once
from splitdns.imports import admitted
from splitdns.imports.bind_acls import ANYBODY, NEIGHBOURS, NOBODY, AclList, Acls
from splitdns.imports.bind_masters import whole
from splitdns.imports.bind_statements import Statement, statements
from splitdns.imports.clients import division
from splitdns.imports.entries import Found
from splitdns.imports.rrtext import plain
from splitdns.imports.service import HORIZON, Rule, Service, ViewPlan
from splitdns.imports.texts import Texts
from splitdns.load import master
from splitdns.names import between, from_text
from splitdns.records import Type
from splitdns.view import OUTSIDE, Prefix

_REFUSED = "refused"
_PRIMARY, _SECONDARY = ("master", "primary"), ("slave", "secondary")
_TAKEN = frozenset((
    "directory", "recursion", "allow-recursion", "allow-query", "allow-query-cache", "forwarders", "forward",
    "listen-on", "listen-on-v6", "dnssec-validation", "querylog", "response-policy", "match-clients", "zone",
    "blackhole",
))  # fmt: skip
_HINTS = {
    "match-destinations": "views are chosen by the client's address alone",
    "match-recursive-only": "views are chosen by the client's address alone",
    "rate-limit": "it is `responses_per_second` under `limits`",
    "dns64": "it is `dns64` of a view",
    "version": "it is `version` under `identity`",
    "server-id": "it is `id` under `identity`",
    "hostname": "it is `id` under `identity`",
    "max-cache-ttl": "it is `max_ttl` under `cache`",
    "max-ncache-ttl": "it is `max_negative_ttl` under `cache`",
    "empty-zones-enable": "names of private addresses are never forwarded without a rule",
    "allow-transfer": "zones are not transferred",
    "also-notify": "zones are not transferred",
    "notify": "zones are not transferred",
    "key": "views are by address, and zones are not transferred",
    "validate-except": "it is `negative_trust_anchors`",
    "trust-anchors": "`trust_anchors` names a file of keys",
    "managed-keys": "`trust_anchors` names a file of keys",
}


@dataclass(slots=True)
class _View:
    """One view of BIND, or all of it: ``names`` are our views, ``horizon`` is what they look at."""

    name: str
    body: tuple[Statement, ...]
    match: AclList
    query: AclList
    recursion: AclList
    names: dict[bool, str] = field(default_factory=dict)  # by whether it recurses
    horizon: str = ""
    zones: dict[str, str] = field(default_factory=dict)  # master files by apex
    files: dict[str, Path] = field(default_factory=dict)  # and where they were


class _Reader:
    def __init__(self, text: Printed, beside: Path) -> None:
        self.found = Found(service=Service())
        assert self.found.service is not None
        self.service = self.found.service
        self.texts = Texts(beside, self.found)
        self.whole = Where(text.file)
        self.acls = Acls(self.found)
        top = statements(text, self.texts)
        options = [one for one in top if one.name == "options"]
        parts = tuple(part for one in options for part in one.inner)
        self.options = Statement(("options",), self.whole, parts)
        for one in top:
            if one.name == "acl":
                self.acls.define(one)
        self.views = self._views(top)
        self.policies = {zone for view in self.views for zone in self._policies(view)}
        for one in top:
            if one.name not in ("options", "acl", "view", "zone"):
                self._tell(one)

    # --- Whom it serves ------------------------------------------------------------------------------------

    def _views(self, top: Sequence[Statement]) -> list[_View]:
        written = [one for one in top if one.name == "view"]
        if not written:
            return [self._view("", tuple(one for one in top if one.name == "zone"), ANYBODY)]
        found = []
        for one in written:
            if len(one.words) < 2:
                raise ConfigError(one.where, "expected a view's name")
            clients = one.one("match-clients")
            match = ANYBODY if clients is None else self.acls.read(clients)
            found.append(self._view(one.words[1], one.inner, match))
        return found

    def _view(self, name: str, body: tuple[Statement, ...], match: AclList) -> _View:
        query, cache, recursion = (
            self._list(body, key) for key in ("allow-query", "allow-query-cache", "allow-recursion")
        )
        allowed = recursion or cache or query or NEIGHBOURS
        switch = self._setting(body, "recursion")
        if switch is not None and switch.value in ("no", "false", "0"):
            allowed = NOBODY
        elif not (recursion or cache or query):
            message = "only neighbours could recurse, by default; here, clients of private networks may"
            self.found.leave(self.whole, message)
        return _View(name, body, match, query or ANYBODY, allowed)

    def _setting(self, body: Sequence[Statement], name: str) -> Statement | None:
        return Statement((), self.whole, tuple(body)).one(name) or self.options.one(name)

    def _list(self, body: Sequence[Statement], name: str) -> AclList | None:
        one = self._setting(body, name)
        return None if one is None else self.acls.read(one)

    def serve(self) -> None:
        black = self._list((), "blackhole") or NOBODY
        if black is not NOBODY:
            self.found.leave(self.whole, "clients of `blackhole` are REFUSED, not left without an answer")

        def of(inside: Sequence[Prefix]) -> tuple[int, bool] | None:
            """The number of the view, and whether it recurses."""
            at = next((at for at, view in enumerate(self.views) if view.match.has(inside)), None)
            if at is None or black.has(inside) or not self.views[at].query.has(inside):
                return None
            return at, self.views[at].recursion.has(inside)

        lists = (one for view in self.views for one in (view.match, view.query, view.recursion))
        mentioned = [prefix for one in (*lists, black) for prefix in one.mentioned()]
        for outcome, clients in division(mentioned, of).items():
            self._plan(outcome, clients)
        self._tell_order()
        for view in self.views:
            if not view.names:
                self.found.leave(self.whole, f"left out: the view {view.name}, as no client ever meets it")
        admitted.close(self.service.views, self.found, self.whole)

    def _plan(self, outcome: tuple[int, bool] | None, clients: list[str]) -> None:
        if outcome is None:
            own = [one for one in clients if one not in ("any", "0.0.0.0/0", "::/0")]
            if own:
                self.service.views[_REFUSED] = ViewPlan(own, (_REFUSED,), recursion=False)
            return
        at, recursion = outcome
        view = self.views[at]
        label = _word(view.name) if view.name else HORIZON
        is_world = bool(view.name) and not recursion and "any" in clients and True not in view.names
        if not view.horizon or is_world:
            view.horizon = OUTSIDE if is_world else label
        name = label if not view.names else f"{label}-{'recursing' if recursion else 'local'}"
        view.names[recursion] = name
        validation = self._setting(view.body, "dnssec-validation")
        validate = recursion and (validation is None or validation.value not in ("no", "false"))
        self.service.views[name] = ViewPlan(clients, (view.horizon,), recursion, False, [], validate)

    def _tell_order(self) -> None:
        """Prefixes of later views that are in those of earlier ones: the longest would take them away."""
        for at, view in enumerate(self.views):
            earlier = [one for former in self.views[:at] for one in former.match.mentioned()]
            for prefix in view.match.mentioned():
                if any(_is_within(prefix, one) for one in earlier):
                    message = f"{prefix} of view {view.name} is in a network of a view before it"
                    self.found.leave(self.whole, f"{message}, which came first; so it does here")

    # --- What it serves ------------------------------------------------------------------------------------

    def read(self) -> Found:
        self.serve()
        self._listen()
        querylog = self.options.one("querylog")
        self.service.querylog = querylog is not None and querylog.value in ("yes", "true")
        for view in self.views:
            for one in sorted(view.body, key=_is_rule):
                if one.name == "zone":
                    self._zone(view, one)
                elif view.name and one.name not in _TAKEN:
                    self._tell(one)
            self._forwarders(view)
        for one in self.options.inner:
            if one.name not in _TAKEN:
                self._tell(one)
        self._write()
        return self.found

    def _zone(self, view: _View, one: Statement) -> None:
        if len(one.words) < 2:
            raise ConfigError(one.where, "expected a zone's name")
        apex = plain(one.words[1]).lower() or "."
        try:
            from_text("." if apex == "." else f"{apex}.")
        except ValueError as error:
            raise ConfigError(one.where, str(error)) from None
        kind = next((part.value for part in one.all("type")), "")
        other = one.one("in-view")
        if other is not None:
            self._in_view(view, apex, other)
        elif kind in _PRIMARY:
            self._primary(view, apex, one)
        elif kind == "forward":
            self._rule(view, apex, one, one.one("forwarders"))
        elif kind in (*_SECONDARY, "stub", "static-stub", "mirror"):
            source = one.one("primaries", "masters", "server-addresses")
            self._copy(view, apex, one, source, is_whole=kind in (*_SECONDARY, "mirror"))
        elif kind == "hint":
            self.found.leave(one.where, "left out: this server never asks the root")
        else:
            self.found.leave(one.where, f"left out: {apex} is of type {kind!r:.60}, which is not known here")
        known = ("type", "file", "in-view", "forwarders", "forward", "primaries", "masters")
        for part in one.inner:
            if part.name not in (*known, "server-addresses"):
                self._tell(part)

    def _copy(
        self, view: _View, apex: str, one: Statement, source: Statement | None, *, is_whole: bool
    ) -> None:
        """A zone that lives elsewhere: where, it is asked; but forwarders go before a stub."""
        own, general = one.one("forwarders"), self._setting(view.body, "forwarders")
        if not is_whole and (own or general or one).inner and (own is None or own.inner):
            message = f"left out: {apex} was asked at the forwarders, which go before a stub zone's servers"
            self.found.leave(one.where, message)
            return
        self.found.leave(one.where, f"{apex} is no copy of its zone here: it is asked where that came from")
        only = Statement((), one.where, (Statement(("forward", "only"), one.where),))
        self._rule(view, apex, only, source)

    def _primary(self, view: _View, apex: str, one: Statement) -> None:
        file = one.one("file")
        if file is None:
            raise ConfigError(one.where, f"expected the file of zone {apex}")
        directory = self.options.one("directory")
        base = directory.value if directory is not None else ""
        path = file.value if file.value.startswith("/") or not base else f"{base}/{file.value}"
        text = self.texts.read(path, file.where)
        if text is None:
            return
        if apex in self.policies:
            views = (view.names[True],) if view.name and True in view.names else ()
            self.service.list(_word(apex), form="rpz", views=views).lines = text.text.splitlines()
            self.found.leave(one.where, f"the zone {apex} is a policy only: its own names are not answered")
        elif apex == ".":
            self.found.leave(one.where, "left out: this server is no root server")
        else:
            view.zones[apex] = whole(text, apex, self.texts, base)
            view.files[apex] = self.texts.path(path)

    def _in_view(self, view: _View, apex: str, other: Statement) -> None:
        holder = next((one for one in self.views if one.name == other.value and apex in one.zones), None)
        if holder is None:
            message = f"left out: {apex}, which the view {other.value:.60} has not in a file"
            self.found.leave(other.where, message)
        else:
            view.zones[apex] = holder.zones[apex]

    def _policies(self, view: _View) -> list[str]:
        one = self._setting(view.body, "response-policy")
        found = []
        for part in one.inner if one is not None else ():
            if part.name == "zone" and len(part.words) > 1:
                found.append(plain(part.words[1]).lower())
                if len(part.words) > 2 and part.words[2:] != ("policy", "given"):
                    message = f"{' '.join(part.words[2:]):.60} is left out: a policy zone says it by itself"
                    self.found.leave(part.where, message)
        return found

    # --- Where it asks -------------------------------------------------------------------------------------

    def _forwarders(self, view: _View) -> None:
        one = self._setting(view.body, "forwarders")
        if True not in view.names:
            return
        if one is None or not one.inner:
            message = "BIND asked the root by itself; write whom to ask, a rule for `.` under `forward`"
            self.found.leave(self.whole if one is None else one.where, message)
        else:
            holder = Statement((), one.where, (*self.options.inner, *view.body))
            self._rule(view, ".", holder, one)

    def _rule(self, view: _View, domain: str, holder: Statement, source: Statement | None) -> None:
        if True not in view.names:
            if source is not None:
                message = f"left out: {domain} is asked for nobody, as no client of this view may recurse"
                self.found.leave(source.where, message)
            return
        upstreams = tuple(self._upstream(one) for one in source.inner) if source is not None else ()
        upstreams = tuple(one for one in upstreams if one)
        where = holder.where if source is None else source.where
        if not upstreams:
            self.found.leave(where, f"left out: {domain} was asked nowhere in particular")
            return
        above = next((apex for apex in view.files if domain.endswith(f".{apex}")), "")
        if above and not _delegates(view.files[above], above, domain):
            message = f"left out: {domain} is answered from the zone {above}, which has no NS records for it"
            self.found.leave(where, message)
            return
        policy = holder.one("forward")
        if policy is None or policy.value != "only":
            message = f"where the servers for {domain} failed, BIND asked the root; this server does not"
            self.found.leave(where, message)
        views = (view.names[True],) if view.name or len(view.names) > 1 else ()
        strategy = "fastest" if len(upstreams) > 1 else ""
        self.service.forward.append(Rule(domain, upstreams, where, views, strategy))

    def _upstream(self, one: Statement) -> str:
        try:
            address = ip_address(one.name)
        except ValueError:
            self.found.leave(one.where, f"left out: expected an address to ask, found {one.name!r:.60}")
            return ""
        words = one.words[1:]
        port = words[1] if words[:1] == ("port",) and len(words) > 1 else "53"
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ConfigError(one.where, f"expected a port, found {port!r:.60}")
        if "tls" in words:
            self.found.leave(one.where, f"{address} was asked over TLS: write tls://{address}# and its name")
        if port == "53":
            return str(address)
        return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"

    def _listen(self) -> None:
        for one in (*self.options.all("listen-on"), *self.options.all("listen-on-v6")):
            words = one.words[1:]
            port = words[1] if words[:1] == ("port",) and len(words) > 1 else "53"
            for part in one.inner:
                try:
                    address = ip_address(part.name)
                except ValueError:
                    if part.name not in ("any", "none"):
                        self.found.leave(part.where, f"left out: listening at {part.name!r:.60}")
                    elif part.name == "any" and port != "53":
                        self.found.leave(part.where, f"left out: port {port:.60}; write it into `listen`")
                    continue
                if not port.isdecimal() or not 0 < int(port) < 65_536:
                    raise ConfigError(one.where, f"expected a port, found {port!r:.60}")
                host = str(address) if address.version == 4 else f"[{address}]"
                self.service.listen.append(f"{host}:{port}")

    def _write(self) -> None:
        """Each zone once, where all views have the same; else once for each horizon."""
        served = [view for view in self.views if view.names]
        apexes = dict.fromkeys(apex for view in served for apex in view.zones)
        is_whole = _REFUSED not in self.service.views
        for apex in apexes:
            texts = [view.zones.get(apex) for view in served]
            if is_whole and len({*texts}) == 1:
                self.service.masters[f"{apex}.zone"] = str(texts[0])
                continue
            for view in served:
                if apex in view.zones:
                    self.service.masters[f"{apex}@{view.horizon}.zone"] = view.zones[apex]

    def _tell(self, one: Statement) -> None:
        reason = _HINTS.get(one.name, "it is about BIND itself, or not known here")
        self.found.leave(one.where, f"{one.name[:60]} is left out: {reason}")


def found_in(text: Printed, beside: Path) -> Found:
    """All that a named.conf says.

    Raises:
        ExceptionGroup[ConfigError]: what BIND does not start with.
    """
    with all_at_once(text.file):
        found = _Reader(text, beside).read()
    return found


def _is_rule(statement: Statement) -> bool:
    """Zones of its own come first: they decide which rules are ever asked."""
    kind = statement.one("type")
    return kind is not None and kind.value not in _PRIMARY


def _delegates(file: Path, apex: str, domain: str) -> bool:
    """Whether a zone has NS records for a domain in it, or above that."""
    zone = master.read(file, from_text(f"{apex}."), Problems())
    names = between(from_text(f"{domain}."), from_text(f"{apex}."))
    found = (zone.names.get(name) for name in names)
    return any(one.rdtype == Type.NS for name in found if name is not None for one in name.sets)


def _word(name: str) -> str:
    """A view's name as one of ours may be."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name).strip("-_")[:40] or "view"


def _is_within(inner: Prefix, outer: Prefix) -> bool:
    is_longer = inner.version == outer.version and inner.prefixlen > outer.prefixlen
    return is_longer and inner.network_address in outer
