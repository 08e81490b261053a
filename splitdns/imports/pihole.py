"""Pi-hole: ``pihole.toml`` of version 6, or ``setupVars.conf`` of version 5 and what is beside it.

Pi-hole answers by dnsmasq, for which it writes a configuration; so its settings become dnsmasq's options
here, and ``dnsmasq`` makes of those what it always does. What Pi-hole blocks is in lists that it downloads,
which is left to a timer here, and in names that somebody typed in, which come along (docs.pi-hole.net).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where, all_at_once
from splitdns.imports import dnsmasq, hosts
from splitdns.imports.dnsmasq_lines import Option, options
from splitdns.imports.entries import Found
from splitdns.imports.service import Service
from splitdns.imports.texts import Texts
from splitdns.imports.toml_places import Toml

NULL = ("0.0.0.0", "::")
# What blocked names get (dns.blocking.mode, BLOCKINGMODE).
_MODES = {"NULL": NULL, "NX": (), "NXDOMAIN": (), "NODATA": ("nodata",)}
_TYPED = "SELECT type, domain FROM domainlist WHERE enabled ORDER BY id"
_LISTS = "SELECT address FROM adlist WHERE enabled ORDER BY id"
_ITSELF = "it is about Pi-hole itself"
_TAKEN = frozenset((
    "upstreams", "hosts", "cnameRecords", "domain", "domainNeeded", "expandHosts", "bogusPriv", "dnssec",
    "queryLogging", "revServers", "port", "blocking", "specialDomains",
))  # fmt: skip
_SETUP = {"DNS_FQDN_REQUIRED": "domain-needed", "DNS_BOGUS_PRIV": "bogus-priv", "DNSSEC": "dnssec",
          "QUERY_LOGGING": "log-queries"}  # fmt: skip


def found_in(text: Printed, beside: Path) -> Found:
    """All that Pi-hole says of DNS.

    Raises:
        ExceptionGroup[ConfigError]: what Pi-hole does not start with.
    """
    early = Found(service=Service())
    whole = Where(text.file)
    with all_at_once(text.file):
        if "[dns]" in text.text or text.file.endswith(".toml"):
            toml = Toml(text)
            given, lines = list(_of_toml(toml, early)), _hosts_of(toml, early)
            mode = str(toml.get("dns", "blocking", "mode") or "")
        else:
            given, lines, mode = _of_setup(text, beside, early)
    found = dnsmasq.of([Option("no-hosts", (), whole), *given], beside, whole, lines)
    found.left += early.left
    _block(found, mode or "NULL", beside, whole)
    return found


# --- Version 6 ---------------------------------------------------------------------------------------------


def _of_toml(toml: Toml, found: Found) -> Iterator[Option]:
    dns = toml.get("dns")
    if not isinstance(dns, dict):
        raise ConfigError(toml.where("dns"), "expected a table [dns]")
    yield Option("no-resolv", (), toml.where("dns"))
    for one in _texts(toml, "dns", "upstreams"):
        yield Option("server", (one,), toml.where("dns", "upstreams", item=one))
    for one in _texts(toml, "dns", "cnameRecords"):
        yield Option("cname", tuple(one.split(",")), toml.where("dns", "cnameRecords", item=one))
    flags = {"domainNeeded": "domain-needed", "expandHosts": "expand-hosts", "bogusPriv": "bogus-priv",
             "dnssec": "dnssec", "queryLogging": "log-queries"}  # fmt: skip
    for key, flag in flags.items():
        if dns.get(key) is True:
            yield Option(flag, (), toml.where("dns", key))
    domain = toml.get("dns", "domain", "name") or dns.get("domain")
    if isinstance(domain, str) and domain:
        where = toml.where("dns", "domain")
        yield Option("domain", (domain,), where)
        if toml.get("dns", "domain", "local") is not False:
            yield Option("local", (f"/{domain}/",), where)
    for one in _texts(toml, "dns", "revServers"):
        where = toml.where("dns", "revServers", item=one)
        active, *words = one.split(",")
        if active == "true" and len(words) > 1:
            yield from _reverse(words[0], words[1], words[2] if len(words) > 2 else "", where)
    special = toml.get("dns", "specialDomains")
    special = special if isinstance(special, dict) else {}
    if special.get("iCloudPrivateRelay") is True:
        where = toml.where("dns", "specialDomains", "iCloudPrivateRelay")
        yield Option("local", ("/mask.icloud.com/mask-h2.icloud.com/",), where)
    for one in _texts(toml, "misc", "dnsmasq_lines"):
        where = toml.where("misc", "dnsmasq_lines", item=one)
        yield from (replace(option, where=where) for option in options(Printed(one, where.file)))
    _tell_toml(toml, dns, found)


def _tell_toml(toml: Toml, dns: dict[str, Any], found: Found) -> None:
    for key in dns.keys() - _TAKEN:
        found.leave(toml.where("dns", key), f"dns.{key[:60]} is left out: {_ITSELF}")
    misc = toml.get("misc")
    for key in misc.keys() - {"dnsmasq_lines"} if isinstance(misc, dict) else ():
        found.leave(toml.where("misc", key), f"misc.{key[:60]} is left out: {_ITSELF}")
    for key in toml.data.keys() - {"dns", "misc"}:
        reason = "the names of leases are read from its lease file" if key == "dhcp" else _ITSELF
        found.leave(toml.where(key), f"{key[:60]} is left out: {reason}")


def _hosts_of(toml: Toml, found: Found) -> list[hosts.Line]:
    lines = []
    for one in _texts(toml, "dns", "hosts"):
        where = toml.where("dns", "hosts", item=one)
        told = Found()
        read = hosts.read(Printed(one, where.file), told)
        lines += [hosts.Line(line.address, line.names, where) for line in read]
        found.left += [replace(each, where=where) for each in told.left]
    return lines


def _texts(toml: Toml, *path: str) -> list[str]:
    value = toml.get(*path)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(toml.where(*path), f"expected a list of texts for {'.'.join(path)}")
    return value


# --- Version 5 ---------------------------------------------------------------------------------------------


def _of_setup(text: Printed, beside: Path, found: Found) -> tuple[list[Option], list[hosts.Line], str]:
    values: dict[str, tuple[str, Where]] = {}
    for number, line in enumerate(text.text.splitlines(), 1):
        key, equals, value = line.strip().partition("=")
        if key and not key.startswith("#"):
            if not equals:
                raise ConfigError(Where(text.file, number, 1), f"expected KEY=value, found {line!r:.60}")
            values[key] = value.strip("\"'"), Where(text.file, number, 1)
    given = [Option("no-resolv", (), Where(text.file)), Option("expand-hosts", (), Where(text.file))]
    for key, (value, where) in values.items():
        if key.startswith("PIHOLE_DNS_"):
            given.append(Option("server", (value,), where))
        elif key == "PIHOLE_DOMAIN":
            given.append(Option("domain", (value,), where))
        elif key in _SETUP and value == "true":
            given.append(Option(_SETUP[key], (), where))
        elif not key.startswith("REV_SERVER") and key not in (*_SETUP, "BLOCKINGMODE"):
            found.leave(where, f"{key[:60]} is left out: {_ITSELF}")
    usual = ("", Where(text.file))
    if values.get("REV_SERVER", usual)[0] == "true":
        cidr, target, domain = (
            values.get(f"REV_SERVER_{one}", usual)[0] for one in ("CIDR", "TARGET", "DOMAIN")
        )
        given += _reverse(cidr, target, domain, values["REV_SERVER"][1])
    texts = Texts(beside, found)
    name = "dnsmasq.d/05-pihole-custom-cname.conf"
    if texts.path(name).is_file() and (more := texts.read(name, Where(text.file))) is not None:
        given += options(more)
    lines: list[hosts.Line] = []
    if texts.path("custom.list").is_file():
        more = texts.read("custom.list", Where(text.file))
        lines = list(hosts.read(more, found)) if more is not None else []
    return given, lines, values.get("BLOCKINGMODE", usual)[0]


def _reverse(cidr: str, target: str, domain: str, where: Where) -> Iterator[Option]:
    """Conditional forwarding: a network's reverse names, and its domain, at the router."""
    yield Option("rev-server", (cidr, target), where)
    if domain:
        yield Option("server", (f"/{domain}/{target}",), where)


# --- What is blocked ---------------------------------------------------------------------------------------


def _block(found: Found, mode: str, beside: Path, whole: Where) -> None:
    service = found.service
    assert service is not None
    action = _MODES.get(mode.upper())
    if action is None:
        found.leave(whole, f"blocked names were answered by {mode[:30]}; here, they have 0.0.0.0 and ::")
        action = NULL
    texts = Texts(beside, found)
    if texts.path("adlists.list").is_file():
        urls = texts.read("adlists.list", whole)
        for number, line in enumerate(urls.text.splitlines() if urls else (), 1):
            if line.strip() and not line.startswith("#") and urls is not None:
                _tell_list(found, line.strip(), Where(urls.file, number, 1))
    if texts.path("gravity.db").is_file():
        _gravity(found, service, texts.path("gravity.db"), action)
    elif not texts.path("adlists.list").is_file():
        found.leave(whole, "what is blocked is in gravity.db, which is not beside this file")


def _tell_list(found: Found, url: str, where: Where) -> None:
    message = "is not downloaded here: let a timer do so, and name the file under `blocklists`"
    found.leave(where, f"{url:.200} {message}")


def _gravity(found: Found, service: Service, path: Path, action: tuple[str, ...]) -> None:
    """What somebody typed in: names to be blocked or not, and where lists are (docs.pi-hole.net)."""
    where = Where(str(path))
    try:
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as database:
            typed = database.execute(_TYPED).fetchall()
            urls = database.execute(_LISTS).fetchall()
    except sqlite3.Error as error:
        found.leave(where, f"left out: what is blocked cannot be read: {error}")
        return
    for kind, name in typed:
        if kind == 0:
            service.list("allowed", "allow").add(str(name))
        elif kind == 1:
            service.list("denied", *action).add(str(name))
        else:
            found.leave(where, f"left out: the expression {str(name)[:80]}; lists have names, and `*.name`")
    for (url,) in urls:
        _tell_list(found, str(url), where)
