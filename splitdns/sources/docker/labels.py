"""What a container's labels declare: names, where they lead, and what of them is exposed.

    splitdns.name: www.example.com, example.com      splitdns.expose: 443/tcp, 80:8080/tcp
    splitdns.inside: 192.168.1.10                    splitdns.outside: $wan4 (or an address, or none)
    splitdns.ttl: 5m                                 splitdns.enable: "false"

Hosts in the rules of Traefik's routers and in labels of caddy-docker-proxy are names of the container, too;
they lead to the proxy. The outside is told of what is exposed, and of nothing else. A label that is wrong
costs what it says, and no other label; each mistake names the container and the label.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from ipaddress import ip_address

from splitdns.addresses import is_inside
from splitdns.errors import Problems, Where, ZoneError
from splitdns.load import expose
from splitdns.load.declared import Port
from splitdns.load.presentation import ttl_from_text
from splitdns.names import ROOT, Qname, from_text, is_under, to_text
from splitdns.sources.docker import proxies
from splitdns.sources.docker.container import Address, Container
from splitdns.sources.docker.meeting import Met, where_met
from splitdns.value import value

PREFIX = "splitdns."
KNOWN = ("name", "expose", "inside", "outside", "ttl", "enable")
WAN4, WAN6, NONE = "$wan4", "$wan6", "none"

MAX_NAMES = 64  # of a container; beyond: a mistake, and the others count
MAX_CHARACTERS = 4096  # of a label's value

Exposure = tuple[Port, Port]  # public, and at the inside address

_BETWEEN = re.compile(r"[\s,]+")


@value(frozen=True, slots=True)
class Terms:
    """What a source's configuration says of its containers.

    Names must be under one of ``domains``, which are in ``zone``. ``host`` is where published ports are met;
    ``proxy`` (else ``host``) is where names are met that a reverse proxy serves, which exposes
    ``proxy_expose``. ``wan`` are the public addresses that the configuration has a source for.
    """

    zone: Qname
    domains: tuple[Qname, ...]
    host: tuple[Address, ...] = ()
    proxy: tuple[Address, ...] = ()
    proxy_expose: tuple[Exposure, ...] = ()
    wan: frozenset[str] = frozenset((WAN4, WAN6))


@value(frozen=True, slots=True)
class Claim:
    """A name that a container declares, or a regular expression of names, relative to the zone.

    ``outside`` holds addresses, ``$wan4`` and ``$wan6``. ``is_own``: nobody else has the inside addresses.
    """

    owner: Qname
    pattern: str
    inside: tuple[Address, ...]
    outside: tuple[Address | str, ...]
    expose: tuple[Exposure, ...]
    ttl_s: int | None
    is_own: bool
    container: str
    service: str
    where: Where


@value(frozen=True, slots=True)
class _Way:
    """Where names lead."""

    inside: tuple[Address, ...]
    expose: tuple[Exposure, ...]
    is_own: bool = False


def claims_of(
    container: Container, terms: Terms, reachable: Collection[tuple[str, int]], problems: Problems
) -> list[Claim]:
    """What ``container`` declares; mistakes go to ``problems``."""
    return _Reader(container, terms, reachable, problems).claims()


class _Reader:
    def __init__(
        self,
        container: Container,
        terms: Terms,
        reachable: Collection[tuple[str, int]],
        problems: Problems,
    ) -> None:
        self._container = container
        self._terms = terms
        self._reachable = reachable
        self._problems = problems
        self._labels = container.labels
        self._told: set[tuple[Where, str]] = set()

    def claims(self) -> list[Claim]:
        if not self._is_enabled():
            return []
        self._look_for_strangers()
        named, proxied = list(self._names()), list(self._proxied())
        if not named and not proxied:
            return []
        inside = self._inside()
        if inside is None and PREFIX + "inside" in self._labels:
            return []
        exposed = list(self._exposed()) if PREFIX + "expose" in self._labels else None
        ttl_s = self._ttl()
        by_proxy = self._by_proxy(inside, exposed) if proxied else None
        found: list[Claim] = []
        if named and (way := self._way(inside, exposed or [], by_proxy)) is not None:
            found += [self._claim(name, "", "name", way, ttl_s) for name in named]
        if by_proxy is not None:
            found += [
                self._claim(name, pattern, label, by_proxy, ttl_s)
                for name, pattern, label in proxied
                if pattern or name not in named
            ]
        if len(found) > MAX_NAMES:
            self._mistake("name", f"expected at most {MAX_NAMES} names, found {len(found)}")
        return found[:MAX_NAMES]

    # Places

    def _where(self, label: str) -> Where:
        label = PREFIX + label if label in KNOWN else label
        return Where(f"docker: container {self._container.name}, label {label}")

    def _mistake(self, label: str, message: str) -> None:
        where = self._where(label)
        if (where, message) not in self._told:  # once, whatever names it costs
            self._told.add((where, message))
            self._problems.error(ZoneError(where, message))

    def _value(self, label: str) -> str:
        return self._labels.get(PREFIX + label, "").strip()

    def _words(self, label: str) -> list[str]:
        value = self._value(label)
        if len(value) > MAX_CHARACTERS:
            self._mistake(label, f"expected at most {MAX_CHARACTERS} characters, found {len(value)}")
            return []
        return [one for one in _BETWEEN.split(value) if one]

    # Single labels

    def _is_enabled(self) -> bool:
        value = self._value("enable").lower()
        if value not in ("", "true", "false"):
            self._mistake("enable", f"expected true or false, found {value[:40]!r}")
        return value != "false"

    def _look_for_strangers(self) -> None:
        for label in sorted(self._labels):
            stem = label.removeprefix(PREFIX)
            if stem == label or stem in KNOWN:
                continue
            near = get_close_matches(stem, KNOWN, 1)
            meant = f"; is {PREFIX}{near[0]} meant?" if near else ""
            known = ", ".join(PREFIX + one for one in KNOWN)
            self._mistake(label, f"expected one of {known}, found another{meant}")

    def _names(self) -> Iterator[Qname]:
        if PREFIX + "name" in self._labels and not self._value("name"):
            self._mistake("name", "expected a name such as www.example.com, found nothing")
        seen: set[Qname] = set()
        for word in self._words("name"):
            try:
                name = from_text(word, ROOT)
            except ValueError as error:
                self._mistake("name", str(error))
                continue
            if self._is_ours(name):
                if name not in seen:
                    yield name
                seen.add(name)
                continue
            allowed = " or ".join(map(to_text, self._terms.domains))
            whole = to_text(name) + to_text(self._terms.domains[0])
            meant = f"; is {whole} meant?" if _is_single(name) else ""
            self._mistake("name", f"expected a name in {allowed}, found {to_text(name)}{meant}")

    def _is_ours(self, name: Qname) -> bool:
        return any(is_under(name, domain) for domain in self._terms.domains)

    def _exposed(self) -> Iterator[Exposure]:
        for word in self._words("expose"):
            if word == NONE:
                continue
            try:
                yield expose.forwarded(word)
            except ValueError as error:
                self._mistake("expose", str(error))

    def _ttl(self) -> int | None:
        if not (value := self._value("ttl")):
            return None
        try:
            return ttl_from_text(value)
        except ValueError as error:
            self._mistake("ttl", str(error))
            return None

    def _addresses(self, label: str, *words: str) -> list[Address | str] | None:
        """Addresses, or such ``words``; None where there is no such label, or a mistake in it."""
        if PREFIX + label not in self._labels:
            return None
        expected = "expected " + ", ".join(("an address", *words))
        found: list[Address | str] = []
        for word in self._words(label):
            try:
                found.append(word if word in words else ip_address(word))
            except ValueError:
                self._mistake(label, f"{expected}, found {word!r}")
                return None
        if not found:
            self._mistake(label, f"{expected}, found nothing")
        return found or None

    # Where names lead

    def _inside(self) -> tuple[Address, ...] | None:
        written = self._addresses("inside")
        return None if written is None else tuple(one for one in written if not isinstance(one, str))

    def _way(
        self, inside: tuple[Address, ...] | None, exposed: Sequence[Exposure], by_proxy: _Way | None
    ) -> _Way | None:
        """Of the names of `splitdns.name`: as the label says, as the container is published, by the proxy."""
        if inside is not None:
            return _Way(inside, tuple(exposed))
        try:
            met = where_met(self._container, self._terms.host, self._reachable, [port for _, port in exposed])
        except ValueError as error:
            if by_proxy is None:
                self._mistake("name", f"{error}; `{PREFIX}inside` can say where it is met")
            return by_proxy
        return _Way(met.addresses, tuple(self._published(exposed, met)), met.is_own)

    def _published(self, exposed: Sequence[Exposure], met: Met) -> Iterator[Exposure]:
        """What of it the container publishes; a port where nobody listens is a mistake."""
        for one in exposed:
            missing = next((port for port in _ports(one[1]) if not _has(met, one[1].protocol, port)), None)
            if missing is None:
                yield one
                continue
            assert met.ports is not None
            there = ", ".join(f"{port}/{protocol}" for protocol, port in sorted(met.ports))
            expected = f"expected a port that the container publishes ({there})"
            self._mistake("expose", f"{expected}, found {missing}/{one[1].protocol}")

    def _by_proxy(
        self, inside: tuple[Address, ...] | None, exposed: Sequence[Exposure] | None
    ) -> _Way | None:
        terms = self._terms
        at = inside if inside is not None else terms.proxy or terms.host
        if not at:
            return None
        return _Way(at, terms.proxy_expose if exposed is None else tuple(exposed))

    def _proxied(self) -> Iterator[tuple[Qname, str, str]]:
        """Names and patterns that a proxy's labels say, each with its label; what is not ours is left out."""
        zone, domains = self._terms.zone, self._terms.domains
        for label, host in proxies.hosts_of(self._labels, self._mistake):
            try:
                if host.is_pattern:
                    pattern = proxies.relative(host.text, zone, domains)
                    if pattern is not None:
                        yield zone, pattern, label
                    continue
                name = from_text(host.text, ROOT)
            except ValueError as error:
                self._mistake(label, str(error))
                continue
            if self._is_ours(name):
                yield name, "", label

    def _claim(self, name: Qname, pattern: str, label: str, way: _Way, ttl_s: int | None) -> Claim:
        one = self._container
        outside = self._outside(way)
        where = self._where(label)
        return Claim(
            name, pattern, way.inside, outside, way.expose, ttl_s, way.is_own, one.name, one.service, where
        )

    def _outside(self, way: _Way) -> tuple[Address | str, ...]:
        """What the world is told: what the label says; else, of what is exposed, where the world meets it.

        A public address is the same for everybody. To a private IPv4 address the gateway forwards; IPv6 has
        no such thing, and a private IPv6 address is not met from outside.
        """
        found = self._addresses("outside", WAN4, WAN6, NONE)
        label = "outside"
        if found is None:
            label, found = "expose", []
            for address in way.inside if way.expose else ():
                if not is_inside(address.packed):
                    found.append(address)
                elif address.version == 4:
                    found.append(WAN4)
        known = [one for one in found if not isinstance(one, str) or one in self._terms.wan]
        missing = next((one for one in found if one in (WAN4, WAN6) and one not in known), None)
        if missing is not None:
            self._mistake(label, f"expected `wan:` in the configuration, for {missing} outside, found none")
        return tuple(dict.fromkeys(known))


def _ports(of: Port) -> range:
    return range(of.first, of.last + 1)


def _has(met: Met, protocol: str, port: int) -> bool:
    return met.ports is None or (protocol, port) in met.ports


def _is_single(name: Qname) -> bool:
    return name[1 + name[0] :] == ROOT
