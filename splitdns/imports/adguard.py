"""AdGuard Home: ``AdGuardHome.yaml`` (github.com/AdguardTeam/AdGuardHome/wiki, "Configuration").

Its rewrites are closed: what is asked of such a name beside its address gets nothing. A wildcard is for all
names beneath, however deep, and the most exact rewrite decides; a name that is rewritten to itself is asked
upstream. What it blocks is in lists that it downloads, which is left to a timer here, and in rules that
somebody typed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, all_at_once
from splitdns.imports import adguard_rules, admitted
from splitdns.imports.clients import division
from splitdns.imports.dnsmasq_domains import reverse_domains
from splitdns.imports.entries import ASKED, Entry, Found
from splitdns.imports.service import HORIZON, Rule, Service, ViewPlan
from splitdns.imports.unbound_zones import POLICY
from splitdns.imports.upstreams import upstream
from splitdns.load import marked
from splitdns.view import Prefix

NULL = ("0.0.0.0", "::")
_MODES: dict[str, tuple[str, ...]] = {
    "default": NULL, "null_ip": NULL, "nxdomain": (), "refused": ("refused",),
}  # fmt: skip
_STRATEGIES = {"parallel": "parallel", "load_balance": "fastest", "fastest_addr": "fastest"}
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
# What is read, by section; all else is told.
_TAKEN: Mapping[str, frozenset[str]] = {
    "dns": frozenset((
        "bind_hosts", "port", "upstream_dns", "upstream_mode", "all_servers", "enable_dnssec", "rewrites",
        "blocking_mode", "blocking_ipv4", "blocking_ipv6", "local_ptr_upstreams", "allowed_clients",
        "disallowed_clients", "use_private_ptr_resolvers",
    )),
    "filtering": frozenset(("rewrites", "blocking_mode", "blocking_ipv4", "blocking_ipv6")),
    "querylog": frozenset(("enabled",)),
}  # fmt: skip
_LISTS = ("filters", "whitelist_filters")
_SECTIONS = frozenset(("dns", "filtering", "querylog", "user_rules", "clients", *_LISTS))


class _Reader:
    def __init__(self, text: Printed) -> None:
        self.document = marked.read(text.text, text.file)
        self.found = Found(service=Service())
        assert self.found.service is not None
        self.service = self.found.service
        if not isinstance(self.document.data, dict):
            raise ConfigError(self.document.where(()), "expected the settings of AdGuard Home, such as dns:")

    def get(self, *path: str | int) -> Any:
        found: Any = self.document.data
        for one in path:
            is_there = isinstance(found, dict) and one in found
            found = found[one] if is_there else None
        return found

    def each(self, *path: str) -> Iterator[tuple[marked.Path, Any]]:
        """The items of a list, with their paths."""
        value = self.get(*path)
        if value is not None and not isinstance(value, list):
            raise ConfigError(self.document.where(path), f"expected a list under {path[-1]}")
        for at, one in enumerate(value or ()):
            yield (*path, at), one

    def texts(self, *path: str) -> list[tuple[marked.Path, str]]:
        return [(at, str(one)) for at, one in self.each(*path) if one not in (None, "")]

    def tell(self, path: marked.Path, message: str) -> None:
        self.found.leave(self.document.where(path), message)

    def read(self) -> Found:
        self._serve()
        lines = self.texts("dns", "upstream_dns")
        for at, line in sorted(lines, key=lambda one: one[1].startswith("[")):  # those for all names first
            self._upstream(at, line)
        self._private()
        action = self._action()
        for section in ("dns", "filtering"):
            for at, one in self.each(section, "rewrites"):
                self._rewrite(at, one)
        for at, rule in self.texts("user_rules"):
            adguard_rules.take(rule, self.document.where(at), action, self.found, self.service)
        for key in _LISTS:
            for at, one in self.each(key):
                if isinstance(one, dict) and one.get("enabled") is True:
                    message = "is not downloaded here: let a timer do so, and list the file as a blocklist"
                    self.tell(at, f"{one.get('url')!s:.200} {message}")
        self._clients()
        self._tell_others()
        return self.found

    # --- Whom it serves, and whom it asks -------------------------------------------------------------------

    def _serve(self) -> None:
        allowed, refused = (
            [prefix for at, one in self.texts("dns", key) for prefix in self._prefix(at, one)]
            for key in ("allowed_clients", "disallowed_clients")
        )

        def is_served(inside: Sequence[Prefix]) -> bool:
            if allowed:
                return any(one in inside for one in allowed)
            return not any(one in inside for one in refused)

        validate = self.get("dns", "enable_dnssec") is True
        for served, clients in division([*allowed, *refused], is_served).items():
            if served:
                self.service.views[HORIZON] = ViewPlan(clients, (HORIZON,), validate=validate)
            elif own := [one for one in clients if one not in ("any", "0.0.0.0/0", "::/0")]:
                self.service.views["refused"] = ViewPlan(own, ("refused",), recursion=False)
        admitted.close(self.service.views, self.found, self.document.where(()))
        port = self.get("dns", "port")
        port = port if isinstance(port, int) and 0 < port < 65_536 else 53
        for at, host in self.texts("dns", "bind_hosts"):
            try:
                address = ip_address(host)
            except ValueError:
                message = f"expected an address, found {host!r:.60}"
                raise ConfigError(self.document.where(at), message) from None
            place = str(address) if address.version == 4 else f"[{address}]"
            self.service.listen.append(f"{place}:{port}")
        self.service.querylog = self.get("querylog", "enabled") is True

    def _prefix(self, at: marked.Path, text: str) -> list[Prefix]:
        try:
            return [ip_network(text, strict=False)]
        except ValueError:
            self.tell(at, f"left out: the client {text:.60}, who is not known by address")
            return []

    def _upstream(self, at: marked.Path, line: str) -> None:
        """``9.9.9.9``, or ``[/domain/…/]9.9.9.9 …``, which is for what is beneath, too."""
        if line.startswith("#"):
            return
        domains, servers = ["."], line
        if line.startswith("[/"):
            inner, bracket, servers = line[2:].partition("/]")
            domains = inner.split("/")
            if not bracket:
                raise ConfigError(self.document.where(at), f"expected [/domain/]address, found {line!r:.60}")
        upstreams = [one for text in servers.split() if (one := self._one(at, text)) is not None]
        if servers.split() == ["#"]:  # those for all names, once these are known
            general = [other for other in self.service.forward if other.domain == "."]
            upstreams = [one for other in general for one in other.upstreams]
        for domain in domains:
            name = domain.removeprefix("*.").strip(".").lower() or domain
            if not name:
                self.tell(at, "left out: names without a dot are not treated by themselves here")
            elif upstreams:
                self._rule(name, upstreams, at)

    def _one(self, at: marked.Path, text: str) -> str | None:
        made = upstream(text)
        if made is None and text != "#":
            self.tell(at, f"left out: {text:.100} has no address, or is asked in another way than here")
        return made

    def _rule(self, domain: str, upstreams: Sequence[str], at: marked.Path) -> None:
        """Upstreams in several lines are those of one rule."""
        forward = self.service.forward
        former = next((one for one in forward if one.domain == domain), None)
        together = tuple(dict.fromkeys((*(former.upstreams if former else ()), *upstreams)))
        mode = "parallel" if self.get("dns", "all_servers") is True else str(self.get("dns", "upstream_mode"))
        strategy = _STRATEGIES.get(mode, "fastest") if len(together) > 1 else ""
        rule = Rule(domain, together, self.document.where(at), strategy=strategy)
        if former is None:
            forward.append(rule)
        else:
            forward[forward.index(former)] = rule

    def _private(self) -> None:
        lines = self.texts("dns", "local_ptr_upstreams")
        upstreams = [made for at, one in lines if (made := self._one(at, one)) is not None]
        if upstreams and self.get("dns", "use_private_ptr_resolvers") is not False:
            for domain in (one for prefix in _PRIVATE for one in reverse_domains(prefix)):
                self._rule(domain, upstreams, ("dns", "local_ptr_upstreams"))

    # --- What it answers ------------------------------------------------------------------------------------

    def _rewrite(self, at: marked.Path, one: Any) -> None:
        if not isinstance(one, dict) or not isinstance(one.get("domain"), str) or not one.get("answer"):
            raise ConfigError(self.document.where(at), "expected a rewrite with a domain and an answer")
        where = self.document.where(at)
        name, answer = one["domain"].lower().rstrip("."), str(one["answer"]).rstrip(".")
        if one.get("enabled") is False:
            self.tell(at, f"left out: the rewrite of {name} is off")
            return
        beneath = name.startswith("*.")
        if answer.lower() == name or answer in ("A", "AAAA"):
            asked = answer if answer in ("A", "AAAA") else ""
            self.found.entries.append(Entry(name, ASKED, asked, where, beneath=beneath))
            return
        try:
            address = ip_address(answer)
        except ValueError:
            self._alias(name, answer, at)
            return
        rdtype = "A" if address.version == 4 else "AAAA"
        self.found.entries.append(Entry(name, rdtype, str(address), where, beneath=beneath))

    def _alias(self, name: str, target: str, at: marked.Path) -> None:
        """An alias; where it might be a zone's own name, which can be none, a policy."""
        if name.count(".") > 1:
            entry = Entry(name, "CNAME", f"{target}.", self.document.where(at), beneath=name.startswith("*."))
            self.found.entries.append(entry)
            return
        plan = self.service.list("aliases", form="rpz")
        plan.lines += [] if plan.lines else POLICY
        plan.lines.append(f"{name}. CNAME {target}.")

    def _action(self) -> tuple[str, ...]:
        section = "filtering" if self.get("filtering", "blocking_mode") else "dns"
        mode = str(self.get(section, "blocking_mode") or "default")
        if mode == "custom_ip":
            own = [self.get(section, f"blocking_ipv{family}") for family in (4, 6)]
            return tuple(str(one) for one in own if isinstance(one, str) and upstream(one)) or NULL
        return _MODES.get(mode, NULL)

    # --- What is left ---------------------------------------------------------------------------------------

    def _clients(self) -> None:
        value = self.get("clients")
        path = ("clients", "persistent") if isinstance(value, dict) else ("clients",)
        for at, one in self.each(*path):
            name = one.get("name") if isinstance(one, dict) else one
            message = f"left out: the client {str(name)[:60]}; give it a view, if it is to see something else"
            self.tell(at, message)

    def _tell_others(self) -> None:
        data = self.document.data
        assert isinstance(data, dict)
        for key, value in data.items():
            if key not in _SECTIONS:
                self.tell((key,), f"{key[:60]} is left out: it is about AdGuard Home itself")
            elif key in _TAKEN and isinstance(value, dict):
                for inner in value.keys() - _TAKEN[key]:
                    self.tell((key, inner), f"{key}.{inner[:60]} is left out: there is nothing like it here")


def found_in(text: Printed, _: Path) -> Found:
    """All that an AdGuardHome.yaml says of DNS.

    Raises:
        ExceptionGroup[ConfigError]: what is no such file.
    """
    with all_at_once(text.file):
        found = _Reader(text).read()
    return found


