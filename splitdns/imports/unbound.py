"""Unbound: unbound.conf, and the files that it includes (unbound.conf(5)).

Its access control is by the longest prefix, as ours, and so are its views. A view sees its own local zones
and not those of the server, unless it says ``view-first``. Unbound resolves by itself what it does not
forward; this server never does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where, all_at_once
from splitdns.imports import admitted
from splitdns.imports.clients import division
from splitdns.imports.entries import Found
from splitdns.imports.rrtext import plain
from splitdns.imports.service import HORIZON, Rule, Service, ViewPlan
from splitdns.imports.texts import Texts
from splitdns.imports.unbound_lines import Attribute, Clause, clauses
from splitdns.imports.unbound_zones import LocalZones
from splitdns.value import value
from splitdns.view import Prefix

_REFUSED = "refused"  # a view that has nothing
_ALLOWED = ("allow", "allow_snoop", "allow_setrd", "allow_cookie")
_LOCAL = ("deny_non_local", "refuse_non_local")
_ACTIONS = (*_ALLOWED, *_LOCAL, "deny", "refuse")
_ANCHORS = ("auto-trust-anchor-file", "trust-anchor-file", "trust-anchor", "trusted-keys-file")
_TAKEN = frozenset((
    "local-zone", "local-data", "local-data-ptr", "access-control", "access-control-view",
    "private-address", "private-domain", "domain-insecure", "interface", "ip-address", "port", "log-queries",
    "name", "view-first", *_ANCHORS,
))  # fmt: skip
_HINTS = {
    "access-control-tag": "there are no tags: give such clients a view of their own",
    "local-zone-tag": "there are no tags: give such clients a view of their own",
    "access-control-tag-action": "there are no tags: give such clients a view of their own",
    "access-control-tag-data": "there are no tags: give such clients a view of their own",
    "define-tag": "there are no tags",
    "local-zone-override": "give such clients a view of their own",
    "module-config": "whether signatures are checked is `validate`, and DNS64 is `dns64` of a view",
    "dns64-prefix": "it is `dns64` of a view",
    "response-ip": "addresses in answers are not looked at",
    "serve-expired": "it is `max_stale` under `cache`",
    "cache-max-ttl": "it is `max_ttl` under `cache`",
    "cache-min-ttl": "it is `min_ttl` under `cache`",
    "prefetch": "it is `prefetch` under `cache`",
    "root-hints": "this server never asks the root",
    "hide-identity": "it is hidden unless `identity` says otherwise",
    "hide-version": "it is hidden unless `identity` says otherwise",
    "insecure-lan-zones": "private names are not validated",
    "unblock-lan-zones": "a rule under `forward` for such a domain does this",
}


@value(frozen=True, slots=True)
class Outcome:
    """What access control makes of a client: a view's name, and whether it may recurse; or nothing at all."""

    view: str = ""
    recursion: bool = True
    is_refused: bool = False


@dataclass(slots=True)
class _Access:
    actions: dict[Prefix, str] = field(default_factory=dict)
    views: dict[Prefix, str] = field(default_factory=dict)

    def of(self, inside: Sequence[Prefix]) -> Outcome:
        """``access-control`` is inherited by longer prefixes; ``access-control-view`` is not."""
        action = next((self.actions[one] for one in inside if one in self.actions), "refuse")
        nearest = next((one for one in inside if one in self.actions or one in self.views), None)
        if action in ("deny", "refuse"):
            return Outcome(is_refused=True)
        return Outcome(self.views.get(nearest, "") if nearest else "", action in _ALLOWED)


def found_in(text: Printed, beside: Path) -> Found:
    """All that an unbound.conf says.

    Raises:
        ExceptionGroup[ConfigError]: what Unbound does not start with.
    """
    found = Found(service=Service())
    with all_at_once(text.file):
        _fill(found, clauses(text, Texts(beside, found)), Texts(beside, found), Where(text.file))
    return found


def _fill(found: Found, read: Sequence[Clause], texts: Texts, whole: Where) -> None:
    service = found.service
    assert service is not None
    server = Clause("server", whole)
    for clause in read:
        if clause.name == "server":
            server.attributes += clause.attributes
    views = {_named(clause): clause for clause in read if clause.name == "view"}
    _serve(found, service, server, views, whole)
    scopes = [LocalZones(HORIZON)]
    scopes[0].views = _views_of(service, HORIZON, len(service.views))
    scopes[0].read(server, found)
    for name, clause in views.items():
        scope = LocalZones(_word(name), _views_of(service, _word(name), len(service.views)))
        if not _views_of(service, _word(name), -1):
            found.leave(clause.where, f"left out: the view {name}, which no access-control-view names")
            continue
        scope.read(clause, found)
        scopes.append(scope)
    for scope in scopes:
        scope.settle(found, service)
    for clause in read:
        if clause.name in ("forward-zone", "stub-zone"):
            _forward(found, service, clause, scopes)
        elif clause.name in ("auth-zone", "rpz"):
            _file(found, service, clause, texts)
        elif clause.name not in ("server", "view"):
            found.leave(clause.where, f"left out: {clause.name} is about Unbound itself")
    for clause in (server, *views.values()):
        _tell(found, clause)
    if not any(rule.domain == "." for rule in service.forward):
        message = "Unbound asked the root by itself; write whom to ask, a rule for `.` under `forward`"
        found.leave(whole, message)


def _views_of(service: Service, horizon: str, total: int) -> tuple[str, ...]:
    own = tuple(name for name, view in service.views.items() if horizon in view.horizon)
    return () if len(own) == total else own


def _named(clause: Clause) -> str:
    name = clause.one("name")
    if not name:
        raise ConfigError(clause.where, f"expected a name: in this {clause.name}")
    return name


def _word(name: str) -> str:
    """A view's name as one of ours may be."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name).strip("-_")[:40] or "view"


def _serve(found: Found, service: Service, server: Clause, views: dict[str, Clause], whole: Where) -> None:
    access = _Access({ip_network("127.0.0.0/8"): "allow", ip_network("::1/128"): "allow"})
    for one in server.all("access-control"):
        if len(one.values) != 2 or one.values[1] not in _ACTIONS:
            raise ConfigError(one.where, f"expected a prefix and an action, found {one.value!r:.60}")
        access.actions[_prefix(one)] = one.values[1]
        if one.values[1].startswith("deny"):
            found.leave(one.where, f"clients in {one.values[0]} are REFUSED, not left without an answer")
    for one in server.all("access-control-view"):
        if len(one.values) != 2 or one.values[1] not in views:
            raise ConfigError(one.where, f"expected a prefix and one of the views, found {one.value!r:.60}")
        access.views[_prefix(one)] = one.values[1]
    protected = bool(server.all("private-address"))
    allowed = [plain(one.value) for one in server.all("private-domain")]
    validate = any(server.all(key) for key in _ANCHORS)
    for outcome, clients in division([*access.actions, *access.views], access.of).items():
        plan = ViewPlan(clients, (HORIZON,), outcome.recursion, protected, allowed, validate)
        name = HORIZON
        if outcome.is_refused:
            plan.clients = [one for one in clients if one not in ("any", "0.0.0.0/0", "::/0")]
            if not plan.clients:
                continue
            name, plan.horizon, plan.recursion = _REFUSED, (_REFUSED,), False
        elif outcome.view:
            name = _word(outcome.view)
            first = views[outcome.view].one("view-first") == "yes"
            plan.horizon = (name, HORIZON) if first else (name,)
        if not outcome.recursion:
            name = f"{name}-local"
        service.views[name] = plan
    admitted.close(service.views, found, whole)
    service.insecure += [plain(one.value) or "." for one in server.all("domain-insecure")]
    service.querylog = server.one("log-queries") == "yes"
    _listen(found, service, server)


def _prefix(one: Attribute) -> Prefix:
    try:
        return ip_network(one.values[0], strict=False)
    except ValueError:
        raise ConfigError(one.where, f"expected a prefix, found {one.values[0]!r:.60}") from None


def _listen(found: Found, service: Service, server: Clause) -> None:
    usual = server.one("port") or "53"
    for one in (*server.all("interface"), *server.all("ip-address")):
        host, _, port = one.value.partition("@")
        try:
            address = ip_address(host)
        except ValueError:
            found.leave(one.where, f"left out: expected an address to listen at, found {host!r:.60}")
            continue
        port = port or usual
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ConfigError(one.where, f"expected a port, found {port!r:.60}")
        service.listen.append(f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}")


def _forward(found: Found, service: Service, clause: Clause, scopes: Sequence[LocalZones]) -> None:
    kind = clause.name.partition("-")[0]
    domain = plain(_named(clause)).lower() or "."
    carrier = "tcp" if clause.one(f"{kind}-tcp-upstream") == "yes" else ""
    if "yes" in (clause.one(f"{kind}-tls-upstream"), clause.one(f"{kind}-ssl-upstream")):
        carrier = "tls"
    upstreams = []
    for one in clause.attributes:
        if one.name == f"{kind}-addr":
            upstreams.append(_upstream(one, carrier))
        elif one.name == f"{kind}-host":
            message = f"left out: {one.value} has no address here; write it into the rule for {domain}"
            found.leave(one.where, message)
        elif one.name not in ("name", f"{kind}-tls-upstream", f"{kind}-ssl-upstream", f"{kind}-tcp-upstream"):
            found.leave(one.where, f"{one.name} is left out: there is nothing like it in a rule")
    if domain != "." and scopes[0].decides(domain):
        zone, _ = scopes[0].zone_of(domain)
        found.leave(clause.where, f"left out: {domain} was never asked, as the local zone {zone} decides")
    elif upstreams:
        strategy = "fastest" if len(upstreams) > 1 else ""
        service.forward.append(Rule(domain, tuple(upstreams), clause.where, strategy=strategy))
    else:
        found.leave(clause.where, f"left out: nobody with an address is asked for {domain}")


def _upstream(one: Attribute, carrier: str) -> str:
    address, _, name = one.value.partition("#")
    host, _, port = address.partition("@")
    try:
        ip = ip_address(host)
    except ValueError:
        raise ConfigError(one.where, f"expected an address, found {host!r:.60}") from None
    if port and not (port.isdecimal() and 0 < int(port) < 65_536):
        raise ConfigError(one.where, f"expected a port, found {port!r:.60}")
    usual = "853" if carrier == "tls" else "53"
    place = f"[{ip}]" if ip.version == 6 and (carrier or port not in ("", usual)) else str(ip)
    place += f":{port}" if port not in ("", usual) else ""
    named = f"#{name}" if carrier == "tls" and name else ""
    return f"{carrier}://{place}{named}" if carrier else place


def _file(found: Found, service: Service, clause: Clause, texts: Texts) -> None:
    """A zone in a file: one that is answered from, or a list."""
    name = plain(_named(clause)).lower()
    path = clause.one("zonefile")
    text = texts.read(path, clause.where) if path else None
    if not path:
        found.leave(clause.where, f"left out: {clause.name} {name} has no file")
    elif text is None:
        return
    elif clause.name == "rpz":
        label = _word(name)
        service.list(label, form="rpz").lines += text.text.splitlines()
    else:
        service.masters[f"{name}.zone"] = text.text
    for one in clause.attributes:
        if one.name not in ("name", "zonefile"):
            found.leave(one.where, f"{one.name} is left out: the zone is what its file says")


def _tell(found: Found, clause: Clause) -> None:
    for one in clause.attributes:
        if one.name not in _TAKEN:
            reason = _HINTS.get(one.name, "it is about Unbound itself, or not known here")
            found.leave(one.where, f"{one.name[:60]} is left out: {reason}")
