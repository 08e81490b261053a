"""What a configuration leaves to the machine: its resolvers, its gateways, whether its uplink is in CGNAT.

``Machine`` holds the few files that tell, as text; all else here is a pure function of them. Where
``/etc/resolv.conf`` names a stub on this machine, the resolvers are those that the stub itself asks. They are
never this server: that would be a loop.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from splitdns.load.configvalues import Listen, upstream
from splitdns.value import value
from splitdns.view import Upstream

MAX_GATEWAYS = 32  # of a machine; beyond: left out
MAX_FILE_OCTETS = 1024 * 1024  # of each file; beyond: left out. A router may have a million routes

RESOLV_CONF = "etc/resolv.conf"
# Where those who put a stub into resolv.conf keep the list behind it: systemd-resolved, NetworkManager, and
# resolvconf where the stub is dnsmasq.
BEHIND_STUBS = (
    "run/systemd/resolve/resolv.conf",
    "run/NetworkManager/no-stub-resolv.conf",
    "run/dnsmasq/resolv.conf",
)
ROUTES = "proc/net/route"
ROUTES_6 = "proc/net/ipv6_route"

_CGNAT = ipaddress.IPv4Network("100.64.0.0/10")
_VIA_GATEWAY = 0x2  # RTF_GATEWAY of linux/route.h


def _never(host: str) -> bool:
    return False


@value(frozen=True, slots=True)
class Machine:
    """The files of one machine by path, and whether an address is one of its own."""

    files: Mapping[str, str] = field(default_factory=dict)
    is_own: Callable[[str], bool] = _never

    def resolvers(self, listen: Iterable[Listen]) -> tuple[Upstream, ...]:
        """The machine's resolvers, in order, for a server that listens on ``listen``; there may be none."""
        ours = tuple(listen)
        named = nameservers(self.files.get(RESOLV_CONF, ""))
        lists = [named]
        if any(_is_loopback(one.host) for one in named):
            lists = [nameservers(self.files.get(path, "")) for path in BEHIND_STUBS] + lists
        for servers in lists:
            if real := [one for one in servers if not _is_loopback(one.host) and not self._is_us(one, ours)]:
                return tuple(real)
        return tuple(one for one in named if not self._is_us(one, ours))  # a stub is better than nobody

    @property
    def cgnat_is_outside(self) -> bool:
        """Whether 100.64.0.0/10 is the provider's network here, and so not ours."""
        return uplink_in_cgnat(self.files.get(ROUTES, ""))

    @property
    def gateways(self) -> frozenset[str]:
        """Where the ways out begin: the routers of default routes, and the first address of each network that
        is reached directly, where a container's bridge is. Never an address of the machine's own.
        """
        found = [*routers(self.files.get(ROUTES, "")), *routers_6(self.files.get(ROUTES_6, ""))]
        return frozenset(address for address in found[:MAX_GATEWAYS] if not self.is_own(address))

    def _is_us(self, resolver: Upstream, listen: Iterable[Listen]) -> bool:
        return any(
            one.port == resolver.port
            and (
                one.host == resolver.host
                or (
                    one.is_wildcard
                    and (":" in one.host) == (":" in resolver.host)
                    and (_is_loopback(resolver.host) or self.is_own(resolver.host))
                )
            )
            for one in listen
        )


def this_machine(root: Path = Path("/")) -> Machine:
    """The machine that this runs on; a file that cannot be read counts as empty."""
    paths = (RESOLV_CONF, *BEHIND_STUBS, ROUTES, ROUTES_6)
    return Machine({path: _text(root / path) for path in paths}, _is_own)


def nameservers(resolv_conf: str) -> tuple[Upstream, ...]:
    """The resolvers that a ``resolv.conf`` names (resolv.conf(5)); what is no address is left out."""
    found: dict[Upstream, None] = {}
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found[Upstream(upstream(words[1]).host)] = None
            except ValueError:
                continue  # glibc leaves it out, too
    return tuple(found)


def uplink_in_cgnat(routes: str) -> bool:
    """Whether an interface with a default route is in 100.64.0.0/10, by ``/proc/net/route`` (semantics 20).

    An interface is in it if its gateway is, or a network that is reached over it directly.
    """
    uplinks: set[str] = set()
    in_cgnat: set[str] = set()
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        interface, destination, gateway, mask = fields[0], *(_from_kernel(fields[at]) for at in (1, 2, 7))
        direct = not int(fields[3], 16) & _VIA_GATEWAY
        if int(mask) == 0:
            uplinks.add(interface)
            if gateway in _CGNAT:
                return True
        elif direct and destination in _CGNAT:
            in_cgnat.add(interface)
    return not uplinks.isdisjoint(in_cgnat)


def routers(routes: str) -> Iterator[str]:
    """The gateways of default routes, and the first addresses of direct networks (``/proc/net/route``)."""
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        destination, gateway, mask = (_from_kernel(fields[at]) for at in (1, 2, 7))
        if int(fields[3], 16) & _VIA_GATEWAY:
            if int(mask) == 0:
                yield str(gateway)
        elif int(mask) not in (0, 0xFFFF_FFFF):
            yield str(destination + 1)


def routers_6(routes: str) -> Iterator[str]:
    """The gateways of default routes in ``/proc/net/ipv6_route``; there, a router may have any address."""
    for line in routes.splitlines():
        fields = line.split()
        if len(fields) >= 9 and fields[1] == "00" and int(fields[8], 16) & _VIA_GATEWAY:
            yield str(ipaddress.IPv6Address(bytes.fromhex(fields[4])))


def _from_kernel(word: str) -> ipaddress.IPv4Address:
    """An address as the kernel prints it: its four octets as one number of the machine's byte order."""
    return ipaddress.IPv4Address(int(word, 16).to_bytes(4, sys.byteorder))


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def _is_own(host: str) -> bool:
    """Whether a socket can be bound to it: only to an address of the machine's own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_FILE_OCTETS)
    except OSError:
        return ""
    return octets[: octets.rfind(b"\n") + 1 or None].decode("utf-8", "replace")
