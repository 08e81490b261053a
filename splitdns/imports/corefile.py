"""CoreDNS: a Corefile and the files that it names (coredns.io/manual, coredns.io/plugins).

A server block is for its zones; among several for the same zone, the first whose ``view`` has the client
answers. So a client is one of those who meet the same blocks, and such clients are a view here. Within a
block, plugins answer in an order of their own: templates, hosts, files, and then the rest is forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where, all_at_once
from splitdns.imports import admitted
from splitdns.imports.bind_masters import whole
from splitdns.imports.clients import division
from splitdns.imports.corefile_clients import Inside, Test, access, expression
from splitdns.imports.corefile_lines import Directive, blocks
from splitdns.imports.corefile_names import Block, hosts_of, rewrite, template
from splitdns.imports.entries import Entry, Found
from splitdns.imports.rrtext import plain
from splitdns.imports.service import HORIZON, Rule, Service, ViewPlan
from splitdns.imports.texts import Texts
from splitdns.imports.upstreams import upstream
from splitdns.names import from_text

_POLICIES = {"sequential": "", "random": "fastest", "round_robin": "fastest"}
_HINTS = {
    "cache": "how long answers are kept is set under `cache`",
    "kubernetes": "services of a cluster are forwarded: write a rule for its domain",
    "etcd": "names in etcd are forwarded: write a rule for its domain",
    "dns64": "it is `dns64` of a view",
    "dnssec": "zones are not signed here",
    "transfer": "zones are not transferred",
    "secondary": "zones are not transferred: write a rule for the domain",
    "bufsize": "it is `edns_payload`",
    "prometheus": "metrics are at `admin`",
    "health": "it is at `admin`",
    "ready": "it is at `admin`",
    "chaos": "it is under `identity`",
    "nsid": "it is `id` under `identity`",
}
_READ = frozenset(("acl", "view", "bind", "log", "errors", "reload", "loop"))


@dataclass(slots=True)
class _Server:
    """A server block as it is written; ``meant`` says whom it answers at all."""

    directive: Directive
    zones: tuple[str, ...]  # empty: all names
    view: Test | None
    meant: list[Test]
    name: str


class _Reader:
    def __init__(self, text: Printed, beside: Path) -> None:
        self.found = Found(service=Service())
        assert self.found.service is not None
        self.service = self.found.service
        self.texts = Texts(beside, self.found)
        self.whole = Where(text.file)
        self.ports: dict[str, Where] = {}
        self.addresses: list[str] = []
        self.servers = [self._server(one) for one in blocks(text, self.texts)]
        if not self.servers:
            raise ConfigError(self.whole, "expected server blocks, such as . { … }")

    def _server(self, one: Directive) -> _Server:
        if one.block is None:
            raise ConfigError(one.where, f"expected {{ after {' '.join(one.words):.60}")
        zones = tuple(self._zone(word.strip(","), one.where) for word in one.words if word.strip(","))
        views = one.all("view")
        test, name = None, ""
        if views:
            name = views[0].args[0] if views[0].args else "view"
            tests = [expression(" ".join(each.args), each.where) for each in views[0].all("expr")]
            test = tests[0] if len(tests) == 1 else None
            if test is None:
                message = f"left out: the view {name[:60]}, whose expression asks for more than an address"
                self.found.leave(views[0].where, message)
                test = Test(lambda _: False, ())
        for each in one.all("bind"):
            self.addresses += [word for word in each.args if self._is_address(word, each.where)]
        meant = [access(each, self.found) for each in one.all("acl") if self._is_whole(each, zones)]
        return _Server(one, zones, test, meant, name)

    def _zone(self, word: str, where: Where) -> str:
        for carrier in ("tls://", "https://", "grpc://", "quic://", "https3://"):
            if word.startswith(carrier):
                self.found.leave(where, f"{word:.60} is served over plain DNS only")
                word = word.removeprefix(carrier)
        word = word.removeprefix("dns://")
        name, _, port = word.partition(":") if word.count(":") == 1 else (word, "", "")
        if port:
            self.ports.setdefault(port, where)
        name = plain(name).lower()
        try:
            from_text(f"{name}.")
        except ValueError as error:
            raise ConfigError(where, str(error)) from None
        if "/" in name or ":" in name:
            self.found.leave(where, f"left out: the zone {name[:60]}; write the names of the reverse zone")
        return name

    def _is_address(self, word: str, where: Where) -> bool:
        try:
            ip_address(word)
        except ValueError:
            self.found.leave(where, f"left out: expected an address to listen at, found {word[:60]!r}")
            return False
        return True

    def _is_whole(self, one: Directive, zones: Sequence[str]) -> bool:
        named = {plain(word).lower() for word in one.args}
        if named and named != {*zones}:
            self.found.leave(one.where, "left out: an acl for a part of a block; views are for all names")
            return False
        return True

    # --- Who meets which blocks -----------------------------------------------------------------------------

    def _chosen(self, inside: Inside) -> tuple[int, ...]:
        """The numbers of the blocks that answer a client: for each zone, the first whose view has it."""
        chosen: dict[str, int] = {}
        for at, server in enumerate(self.servers):
            if server.view is None or server.view.holds(inside):
                for zone in server.zones:
                    chosen.setdefault(zone, at)
        allowed = {at for at in chosen.values() if all(one.holds(inside) for one in self.servers[at].meant)}
        return tuple(sorted(allowed))

    def read(self) -> Found:
        tests = [one for server in self.servers for one in (*server.meant, server.view) if one is not None]
        mentioned = [prefix for one in tests for prefix in one.mentioned]
        met: dict[int, list[str]] = {}
        for chosen, clients in division(mentioned, self._chosen).items():
            if not chosen:
                clients = [one for one in clients if one not in ("any", "0.0.0.0/0", "::/0")]
                if not clients:
                    continue
            name = self._view_name(chosen)
            recursion = any(self.servers[at].directive.all("forward") for at in chosen)
            self.service.views[name] = ViewPlan(clients, (name,), recursion)
            for at in chosen:
                met.setdefault(at, []).append(name)
        admitted.close(self.service.views, self.found, self.whole)
        for at, server in enumerate(self.servers):
            names = tuple(met.get(at, ()))
            if names:
                self._block(server, names)
            else:
                self.found.leave(server.directive.where, "left out: a block that no client ever meets")
        self._listen()
        return self.found

    def _view_name(self, chosen: Sequence[int]) -> str:
        named = [self.servers[at].name for at in chosen if self.servers[at].name]
        name = re.sub(r"[^A-Za-z0-9_-]", "-", "-".join(named)).strip("-_")[:40]
        name = name or (HORIZON if chosen else "refused")
        while name in self.service.views:
            name = f"{name}-{len(self.service.views)}"
        return name

    # --- What a block does ----------------------------------------------------------------------------------

    def _block(self, server: _Server, names: tuple[str, ...]) -> None:
        everybody = len(names) == len(self.service.views)
        recursing = tuple(one for one in names if self.service.views[one].recursion)
        block = Block(server.zones, names, () if everybody else recursing)
        before = len(self.found.entries)
        for one in server.directive.inner:
            match one.name:
                case "hosts":
                    hosts_of(one, block, self.texts, self.found)
                case "file" | "auto":
                    self._file(one, block, everybody=everybody)
                case "template":
                    template(one, block, self.found, self.service)
                case "rewrite":
                    rewrite(one, block, self.found)
                case "forward":
                    self._forward(one, block)
                case "log":
                    self.service.querylog = True
                case name if name not in _READ:
                    reason = _HINTS.get(name, "there is nothing like it here, or it is always so")
                    self.found.leave(one.where, f"{name[:60]} is left out: {reason}")

        kept = [entry for entry in self.found.entries[before:] if self._is_asked(entry, block)]
        self.found.entries[before:] = kept

    def _is_asked(self, entry: Entry, block: Block) -> bool:
        """Whether the block is asked for the name at all: the one with the longest zone is."""
        if entry.is_pattern:
            return True
        name = f".{entry.name.lower()}"
        zones = (zone for server in self.servers for zone in server.zones)
        nearest = max((one for one in zones if not one or name.endswith(f".{one}")), key=len, default="")
        if nearest in block.zones:
            return True
        message = f"left out: {entry.name[:60]} was asked of the block for {nearest or '.'} only"
        self.found.leave(entry.where, message)
        return False

    def _file(self, one: Directive, block: Block, *, everybody: bool) -> None:
        """``file FILE [ZONE…]``; ``auto [ZONE…] { directory DIR }``: files that are called ``db.ZONE``."""
        if one.name == "file" and one.args:
            pairs = [(one.args[0], zone) for zone in block.zones_of(one.args[1:]) if zone]
        else:
            directories = [each for each in one.all("directory") if each.args]
            paths = [path for each in directories for path in self.texts.matching(each.args[0], each.where)]
            found = [(path, path.rpartition("/")[2]) for path in paths]
            pairs = [(path, name[3:].lower()) for path, name in found if name.startswith("db.")]
            if any(len(each.args) > 1 for each in directories):
                self.found.leave(one.where, "names of zones are taken from db.ZONE alone")
        for path, zone in pairs:
            text = self.texts.read(path, one.where)
            if text is None:
                continue
            made = whole(text, plain(zone), self.texts, path.rpartition("/")[0])
            for horizon in ("",) if everybody else block.horizons:
                label = f"{plain(zone)}@{horizon}" if horizon else plain(zone)
                self.service.masters[f"{label}.zone"] = made

    def _forward(self, one: Directive, block: Block) -> None:
        """``forward FROM TO… { except …; policy …; tls_servername … }``."""
        if len(one.args) < 2:
            raise ConfigError(one.where, "expected a domain and whom to ask")
        domain = plain(one.args[0]).lower()
        server_name, policy = "", "random"
        for inner in one.inner:
            if inner.name == "tls_servername" and inner.args:
                server_name = inner.args[0]
            elif inner.name == "policy" and inner.args:
                policy = inner.args[0]
            elif inner.name == "except":
                message = f"left out: {' '.join(inner.args)[:80]} were not forwarded; here they are"
                self.found.leave(inner.where, message)
            else:
                self.found.leave(inner.where, f"{inner.name[:60]} of forward is left out")
        upstreams = []
        for text in one.args[1:]:
            made = upstream(text)
            if made is None:
                message = f"left out: {text[:80]} is no address; without a rule, resolv.conf's are asked"
                self.found.leave(one.where, message)
                continue
            named = f"#{server_name}" if made.startswith("tls://") and server_name else ""
            upstreams.append(f"{made}{named}")
        if not upstreams:
            return
        strategy = _POLICIES.get(policy, "fastest") if len(upstreams) > 1 else ""
        for zone in block.zones:
            rule = self._narrower(domain, zone)
            if rule is not None:
                views = block.views
                self.service.forward.append(Rule(rule or ".", tuple(upstreams), one.where, views, strategy))

    @staticmethod
    def _narrower(domain: str, zone: str) -> str | None:
        """Of a block's zone and the domain that it forwards, the one in the other."""
        for inner, outer in ((zone, domain), (domain, zone)):
            if not outer or inner == outer or inner.endswith(f".{outer}"):
                return inner
        return None

    def _listen(self) -> None:
        port = next(iter(self.ports), "53")
        for other, where in list(self.ports.items())[1:]:
            message = f"left out: port {other[:20]}; all names are served at every port of `listen`"
            self.found.leave(where, message)
        if not (port.isdecimal() and 0 < int(port) < 65_536):
            raise ConfigError(self.ports[port], f"expected a port, found {port[:60]!r}")
        for address in dict.fromkeys(self.addresses):
            self.service.listen.append(f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
        if not self.addresses and port != "53":
            self.service.listen = [f"0.0.0.0:{port}", f"[::]:{port}"]


def found_in(text: Printed, beside: Path) -> Found:
    """All that a Corefile says.

    Raises:
        ExceptionGroup[ConfigError]: what CoreDNS does not start with.
    """
    with all_at_once(text.file):
        found = _Reader(text, beside).read()
    return found
