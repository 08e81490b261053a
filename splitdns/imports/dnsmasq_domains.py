"""Options of dnsmasq about whole domains: where they are asked, or what is answered instead (dnsmasq(8)).

``server=/corp.example/10.0.0.53``, ``local=/lan/`` and ``address=/ads.example/0.0.0.0`` have one grammar:
domains between slashes, then what becomes of them and of all names beneath. The longest domain decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from splitdns.errors import Where
from splitdns.imports.dnsmasq_lines import Option
from splitdns.imports.entries import Entry, Found
from splitdns.imports.service import Rule, Service
from splitdns.load.reverse import BUILT_IN
from splitdns.names import from_text, is_under, reverse_name, to_text

NULL = ("0.0.0.0", "::")
USUAL = "#"  # as a server: those for all other names


@dataclass(slots=True)
class Domains:
    """By domain (``.``: all names), servers, addresses, and whether nothing else exists there."""

    servers: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    nothing: dict[str, Where] = field(default_factory=dict)
    places: dict[str, Where] = field(default_factory=dict)

    def server(self, option: Option, found: Found) -> None:
        """``server=[/domain/…/][<address>[#port][@…]]``; without an address: nothing else exists there."""
        domains, target = _split(option)
        for domain in self._taken(domains or ["."], option, found):
            if not target:
                self.nothing[domain] = option.where
                continue
            if target != USUAL:
                upstream = _upstream(option, target, found)
            self.servers.setdefault(domain, []).append(USUAL if target == USUAL else upstream)

    def rev_server(self, option: Option, found: Found) -> None:
        """``rev-server=<prefix>[,<address>…]``: the names of its addresses."""
        try:
            prefix = ip_network(option.field(0), strict=False)
        except ValueError:
            raise option.wrong("a prefix", option.field(0)) from None
        upstream = _upstream(option, option.field(1), found)
        for domain in reverse_domains(prefix):
            self.places.setdefault(domain, option.where)
            self.servers.setdefault(domain, []).append(upstream)

    def address(self, option: Option, found: Found) -> None:
        """``address=/domain/…/[<address>]``; ``#`` is no address at all, in both families."""
        domains, target = _split(option)
        if not domains:
            raise option.wrong("/domain/address", option.value)
        for domain in self._taken(domains, option, found):
            if not target:
                self.nothing[domain] = option.where
                continue
            try:
                texts = NULL if target == "#" else (str(ip_address(target)),)
            except ValueError:
                raise option.wrong("an address", target) from None
            self.addresses.setdefault(domain, []).extend(texts)

    def _taken(self, domains: Sequence[str], option: Option, found: Found) -> list[str]:
        taken = []
        for domain in domains:
            name = domain.strip(".").lower()
            if domain == "." or domain == "#":
                name = "."
            elif not name:
                message = "left out: names without a dot are not treated by themselves here"
                found.leave(option.where, message)
                continue
            elif name.startswith("*"):
                message = f"left out: {name} is part of a name; here, whole names are forwarded or answered"
                found.leave(option.where, message)
                continue
            else:
                try:
                    from_text(f"{name}.")
                except ValueError:
                    raise option.wrong("a domain", domain) from None
            self.places.setdefault(name, option.where)
            taken.append(name)
        return taken

    def settle(self, found: Found, service: Service, known: Sequence[str], usual: Sequence[str]) -> None:
        """As entries, closed zones, rules and lists; ``known`` are the names that have records."""
        for domain, where in self.nothing.items():
            if domain in self.addresses or domain in self.servers:
                continue
            qname = from_text("." if domain == "." else f"{domain}.")
            if any(is_under(qname, apex) for apex in BUILT_IN):
                continue  # nobody asks out there for these
            if domain == ".":
                found.leave(where, "left out: only names of its own existed; `forward: []` is the same")
            elif "." not in domain or any(is_under(from_text(f"{one}."), qname) for one in known):
                found.closed[domain] = ()
            else:
                service.list("nothing").add(f"*.{domain}")
        for domain, addresses in self.addresses.items():
            self._answered(domain, addresses, found, service)
        for domain, servers in self.servers.items():
            own = [one for server in servers for one in (usual if server == USUAL else (server,))]
            upstreams = tuple(dict.fromkeys(own))
            if upstreams:
                service.forward.append(Rule(domain, upstreams, self.places[domain]))
            if domain != "." and upstreams and self._above(domain):
                service.list("asked", "allow").add(f"*.{domain}")

    def _above(self, domain: str) -> bool:
        """Whether a list has a domain above this one."""
        blocked = [one for one, values in self.addresses.items() if {*values} <= {*NULL}]
        return any(domain.endswith(f".{one}") for one in (*blocked, *self.nothing))

    def _answered(self, domain: str, addresses: Sequence[str], found: Found, service: Service) -> None:
        where = self.places[domain]
        if domain == ".":
            found.leave(where, f"left out: all names had the address {addresses[0]}; no zone is so large")
            return
        unique = tuple(dict.fromkeys(addresses))
        if {*unique} <= {*NULL}:
            name = "null" if len(unique) > 1 else "null4" if unique == ("0.0.0.0",) else "null6"
            service.list(name, *unique).add(f"*.{domain}")
            return
        if domain in self.nothing:
            found.closed[domain] = ()
        for value in unique:
            rdtype = "AAAA" if ":" in value else "A"
            found.entries.append(Entry(domain, rdtype, value, where, beneath=True, is_open=True))


def reverse_domains(prefix: object) -> list[str]:
    """The domains that have the names of a prefix's addresses, without the final dot."""
    network = ip_network(str(prefix))
    width = 8 if network.version == 4 else 4
    length = -(-network.prefixlen // width) * width
    found = []
    for part in network.subnets(new_prefix=length) if length - network.prefixlen < width else ():
        labels = to_text(reverse_name(str(part.network_address))).rstrip(".").split(".")
        total = network.max_prefixlen // width
        found.append(".".join(labels[total - length // width :]))
    return found


def _split(option: Option) -> tuple[list[str], str]:
    value = option.value
    if not value.startswith("/"):
        return [], value
    *domains, target = value[1:].split("/")
    if not domains:
        raise option.wrong("domains between slashes", value)
    return domains, target


def _upstream(option: Option, target: str, found: Found) -> str:
    whole, *through = target.split("@")
    if through:
        found.leave(option.where, f"{whole} is no longer asked by way of {through[0]:.60}")
    host, _, port = whole.partition("#")
    try:
        address = ip_address(host)
    except ValueError:
        raise option.wrong("a server's address", target) from None
    if port and not (port.isdecimal() and 0 < int(port) < 0x10000):
        raise option.wrong("a port", port)
    if not port or port == "53":
        return str(address)
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"
