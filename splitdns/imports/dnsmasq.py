"""dnsmasq: dnsmasq.conf, and the files that it names (dnsmasq(8)).

dnsmasq answers what it has records for, whatever domain that is in, and forwards all else: overlays. A domain
of ``local=`` is forwarded nowhere: a zone. Who answers nobody's questions needs no list of clients; this
server does, so those of private networks are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Problems, Where
from splitdns.imports import hosts
from splitdns.imports.dnsmasq_domains import Domains, reverse_domains
from splitdns.imports.dnsmasq_lines import Option, options
from splitdns.imports.dnsmasq_names import RECORDS, Names, in_full, seconds
from splitdns.imports.entries import Found
from splitdns.imports.service import HORIZON, INSIDE_CLIENTS, Service, ViewPlan
from splitdns.imports.texts import Texts
from splitdns.names import from_text

MAX_DEPTH = 10  # of files that name files

_LEASES = "it hands out addresses; the names of its leases are read from its lease file"
_PROCESS = "it is about dnsmasq as a process"
_OTHER = {
    _LEASES: """
        dhcp-host dhcp-range dhcp-option dhcp-option-force dhcp-leasefile dhcp-authoritative dhcp-boot
        dhcp-script dhcp-hostsfile dhcp-optsfile dhcp-lease-max dhcp-ignore dhcp-ignore-names dhcp-match
        dhcp-mac dhcp-vendorclass dhcp-userclass dhcp-rapid-commit dhcp-sequential-ip dhcp-fqdn
        dhcp-generate-names dhcp-broadcast dhcp-ttl dhcp-name-match dhcp-relay dhcp-no-override enable-ra
        ra-param read-ethers quiet-dhcp quiet-dhcp6 quiet-ra log-dhcp script-arp leasefile-ro bootp-dynamic
        no-ping dhcp-client-update enable-tftp tftp-root tftp-secure tftp-no-fail pxe-service pxe-prompt""",
    _PROCESS: """
        user group pid-file keep-in-foreground no-daemon log-facility log-async log-debug cache-size
        no-negcache dns-forward-max min-port max-port query-port edns-packet-max interface except-interface
        bind-interfaces bind-dynamic local-service no-poll no-dhcp-interface enable-dbus enable-ubus
        clear-on-reload no-round-robin fast-dns-retry use-stale-cache no-ident quiet-tftp port-limit
        max-tcp-connections conntrack""",
    "no address is translated here": "alias bogus-nxdomain ignore-address",
    "no type is filtered here": "filter-A filter-AAAA filter-rr filterwin2k",
    "names are not made of addresses here": "synth-domain",
    "write the interface's address into a zone": "interface-name dynamic-host",
    "answers do not depend on the interface: give views what each network is to see": "localise-queries",
    "zones for the world are files here": """
        auth-server auth-zone auth-soa auth-ttl auth-sec-servers auth-peer""",
    "the caches' bounds are set under `cache`": "neg-ttl max-ttl max-cache-ttl min-cache-ttl",
    "upstreams are not told who asks": "add-mac add-subnet add-cpe-id umbrella strip-mac strip-subnet",
    "`trust_anchors` names the file of keys": "trust-anchor",
    "whether signatures are checked is `validate` of a view": """
        dnssec-check-unsigned dnssec-timestamp dnssec-no-timecheck proxy-dnssec dnssec-limits""",
    "loops are always noticed": "dns-loop-detect",
    "MX records of all names led to one machine: write those that are needed": "selfmx localmx",
}
_REASONS = {name: reason for reason, names in _OTHER.items() for name in names.split()}


def found_in(text: Printed, beside: Path) -> Found:
    """All that a dnsmasq.conf says of DNS.

    Raises:
        ExceptionGroup[ConfigError]: what dnsmasq does not start with.
    """
    return of(options(text), beside, Where(text.file))


def of(given: Iterable[Option], beside: Path, whole: Where, lines: Iterable[hosts.Line] = ()) -> Found:
    """What options and lines of hosts files say together; ``whole`` is the file that they are from."""
    reader = _Reader(beside)
    reader.hosts += lines
    reader.take(given, 0)
    reader.problems.raise_errors(whole.file)
    return reader.settled(whole)


class _Reader:
    """What was read so far; most options mean the same wherever they stand."""

    def __init__(self, beside: Path) -> None:
        self.found = Found(service=Service())
        self.problems = Problems()
        self.texts = Texts(beside, self.found)
        self.names = Names()
        self.domains = Domains()
        self.flags: dict[str, Where] = {}
        self.hosts: list[hosts.Line] = []
        self.host_records: list[Option] = []
        self.services: list[Option] = []
        self.listen: list[tuple[str, Where]] = []
        self.allowed: list[str] = []
        self.domain = ""
        self.mx_target = ""
        self.port = "53"
        self.ttl_s: int | None = None

    def take(self, given: Iterable[Option], depth: int) -> None:
        for option in given:
            try:
                self._take(option, depth)
            except ConfigError as error:
                self.problems.error(error)

    def _take(self, option: Option, depth: int) -> None:
        name = option.name
        if name in _OPTIONS:
            _OPTIONS[name](self, option)
        elif name in RECORDS:
            RECORDS[name](self.names, option)
        elif name in _FILES:
            self._more(option, depth)
        elif name in _FLAGS:
            self.flags[name] = option.where
        elif name in _REASONS:
            self.found.leave(option.where, f"{name} is left out: {_REASONS[name]}")
        else:
            self.found.leave(option.where, f"{name[:60]!r} is not known here, and left out")

    def _more(self, option: Option, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise option.wrong(f"files that name files, {MAX_DEPTH} deep at most,", option.value)
        if not option.value:
            raise option.wrong("a path", option.value)
        paths = [option.field(0)]
        if option.name in ("conf-dir", "hostsdir") or self._is_directory(paths[0]):
            paths = self.texts.matching(paths[0], option.where)
            paths = [one for one in paths if _is_wanted(one, option.fields[1:])]
        for path in paths:
            text = self.texts.read(path, option.where)
            if text is None:
                continue
            if option.name in ("addn-hosts", "hostsdir"):
                self.hosts += hosts.read(text, self.found)
            elif option.name == "resolv-file":
                self._resolvers(text)
            else:
                self.take(options(text), depth + 1)

    def _is_directory(self, path: str) -> bool:
        try:
            return self.texts.path(path).is_dir()
        except (OSError, ValueError):
            return False

    def _resolvers(self, text: Printed) -> None:
        for number, line in enumerate(text.text.splitlines(), 1):
            words = line.split()
            if words[:1] == ["nameserver"] and len(words) > 1:
                option = Option("nameserver", (words[1],), Where(text.file, number, 1))
                self.domains.server(option, self.found)

    # --- Options that are more than a record ---------------------------------------------------------------

    def _domain(self, option: Option) -> None:
        if len(option.fields) == 1 or option.field(2) == "local":
            self.domain = option.field(0).rstrip(".")
        else:
            self.found.leave(option.where, "left out: names in a network's own domain; write them in full")
        if option.field(2) == "local":
            self.domains.nothing[self.domain] = option.where
            for domain in reverse_domains(_network(option)):
                self.domains.nothing[domain] = option.where

    def _rebind_ok(self, option: Option) -> None:
        self.allowed += [one for one in option.value.split("/") if one]

    def _listen(self, option: Option) -> None:
        self.listen += [(one, option.where) for one in option.fields]

    def _port(self, option: Option) -> None:
        if not option.value.isdecimal() or int(option.value) > 0xFFFF:
            raise option.wrong("a port", option.value)
        self.port = option.value

    def _ttl(self, option: Option) -> None:
        self.ttl_s = seconds(option)

    # --- All together ---------------------------------------------------------------------------------------

    def settled(self, whole: Where) -> Found:
        found, service = self.found, self.found.service
        assert service is not None
        for option in self.services:
            self._tried(self.names.srv_host, option, self.domain)
        for option in self.host_records:
            self._tried(self.names.host_record, option, self.ttl_s)
        self.problems.raise_errors(whole.file)
        hosts.add(self._expanded(), found, self.ttl_s)
        self._split_blocked(service)
        found.entries += self.names.entries
        self.names.entries = found.entries
        self.names.mail(self.mx_target, found)
        self.names.settle_aliases(found)
        known = [one.name for one in found.entries if _is_name(one.name)]
        self.domains.settle(found, service, [*known, self.domain] if self.domain else known, self._usual())
        if "domain-needed" in self.flags:  # plain names are not forwarded
            found.closed |= {one.name.lower(): () for one in found.entries if "." not in one.name}
        self._serve(service, whole)
        return found

    def _tried(self, take: Callable[..., None], *words: object) -> None:
        try:
            take(*words)
        except ConfigError as error:
            self.problems.error(error)

    def _expanded(self) -> Iterator[tuple[hosts.Line, tuple[str, ...]]]:
        """Lines of hosts files; plain names in full before them, where that is wanted."""
        domain = self.domain if "expand-hosts" in self.flags else ""
        for line in self.hosts:
            if not line.address.is_unspecified:
                yield line, tuple(full for one in line.names for full in in_full(one, domain))

    def _split_blocked(self, service: Service) -> None:
        for line in self.hosts:
            if line.address.is_unspecified:
                kind = "hosts4" if line.address.version == 4 else "hosts6"
                plan = service.list(kind, str(line.address))
                for name in line.names:
                    plan.add(name)

    def _usual(self) -> list[str]:
        return [one for one in self.domains.servers.get(".", ()) if one != "#"]

    def _serve(self, service: Service, whole: Where) -> None:
        found = self.found
        protected = "stop-dns-rebind" in self.flags
        view = ViewPlan([*INSIDE_CLIENTS], (HORIZON,), True, protected, self.allowed, "dnssec" in self.flags)
        service.views[HORIZON] = view
        found.leave(whole, "every client was answered; here, those of private networks are: see `views`")
        if "." not in self.domains.servers:
            message = "all other names were asked where resolv.conf says"
            if service.forward:
                message += ": write a rule for `.` under `forward`, or they are refused"
            found.leave(whole, message)
        if "no-hosts" not in self.flags:
            message = "the machine's own /etc/hosts was answered from, too: import it by `--from hosts`"
            found.leave(whole, message)
        if "bogus-priv" not in self.flags:
            message = "names of private addresses were forwarded; here they never are, without a rule"
            found.leave(whole, message)
        in_order = "" if "strict-order" in self.flags else "fastest"
        strategy = "parallel" if "all-servers" in self.flags else in_order
        service.forward[:] = [
            replace(one, strategy=strategy if len(one.upstreams) > 1 else "") for one in service.forward
        ]
        service.querylog = "log-queries" in self.flags
        for address, where in self.listen:
            try:
                one = ip_address(address)
            except ValueError:
                found.leave(where, f"left out: expected an address to listen at, found {address!r:.60}")
                continue
            service.listen.append(f"{one}:{self.port}" if one.version == 4 else f"[{one}]:{self.port}")
        if not service.listen and self.port != "53":
            service.listen = [f"0.0.0.0:{self.port}", f"[::]:{self.port}"]


def _network(option: Option) -> object:
    try:
        return ip_network(option.field(1))
    except ValueError:
        raise option.wrong("a prefix", option.field(1)) from None


def _is_name(name: str) -> bool:
    try:
        from_text(f"{name}.")
    except ValueError:
        return False
    return True


def _is_wanted(path: str, endings: tuple[str, ...]) -> bool:
    """``conf-dir=/dir,.bak`` is without such files; ``,*.conf`` is such files only."""
    if path.endswith("~") or (path.rpartition("/")[2].startswith("#") and path.endswith("#")):
        return False
    only = [one[1:] for one in endings if one.startswith("*")]
    if any(path.endswith(one) for one in endings if not one.startswith("*") and one):
        return False
    return not only or any(path.endswith(one) for one in only)


_FILES = frozenset(("conf-file", "conf-dir", "servers-file", "addn-hosts", "hostsdir", "resolv-file"))
_FLAGS = frozenset((
    "expand-hosts", "domain-needed", "bogus-priv", "stop-dns-rebind", "rebind-localhost-ok", "no-hosts",
    "no-resolv", "all-servers", "strict-order", "log-queries", "dnssec",
))  # fmt: skip
_OPTIONS: dict[str, Callable[[_Reader, Option], None]] = {
    "server": lambda own, option: own.domains.server(option, own.found),
    "local": lambda own, option: own.domains.server(option, own.found),
    "rev-server": lambda own, option: own.domains.rev_server(option, own.found),
    "address": lambda own, option: own.domains.address(option, own.found),
    "cname": lambda own, option: own.names.cname(option, own.ttl_s),
    "host-record": lambda own, option: own.host_records.append(option),
    "srv-host": lambda own, option: own.services.append(option),
    "mx-target": lambda own, option: setattr(own, "mx_target", option.value),
    "domain": _Reader._domain,
    "rebind-domain-ok": _Reader._rebind_ok,
    "listen-address": _Reader._listen,
    "port": _Reader._port,
    "local-ttl": _Reader._ttl,
}
