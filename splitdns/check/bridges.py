"""What a bridge of the gateway does: which frames its rules see, and which go out by no port.

A frame from one port to another is not routed. With br_netfilter's sysctl on it meets the IP rules all the
same (net/bridge/br_netfilter_hooks.c), and one whose destination a rule changes to somebody on the same
bridge is sent on as a frame. No frame leaves by the port by which it came, unless that is in hairpin mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from splitdns.check.flows import Flow
from splitdns.check.model import Gateway
from splitdns.check.neighbours import Server
from splitdns.check.network import Interface
from splitdns.check.rules import Accept, Chain, Pass, Return


class Bridges:
    """The bridges of a gateway, for one family."""

    def __init__(self, gateway: Gateway, family: int) -> None:
        faces = gateway.network.interfaces
        self._of_port: dict[str, Interface] = {one.name: one for one in faces if one.bridge is not None}
        self._bridges = {one.bridge for one in faces if one.bridge is not None}
        self._sees_frames = gateway.network.bridge_nf.get(family)
        self.sysctl = f"net.bridge.bridge-nf-call-{'iptables' if family == 4 else 'ip6tables'} is not known"
        self._own_chains = any(_may_drop(one) for one in gateway.ruleset.chains if one.bridged)

    def routed(self, name: str) -> str:
        """The interface that has the addresses of port ``name``: its bridge, or itself."""
        port = self._of_port.get(name)
        return name if port is None or port.bridge is None else port.bridge

    def is_bridge(self, name: str) -> bool:
        return name in self._bridges

    def sees_frames(self, flow: Flow, name: str) -> bool | None:
        """Whether rules see the frames on ``name``; None: not known."""
        if name not in self._bridges:
            return False
        return self._sees_frames if flow.sees_frames is None else flow.sees_frames

    def apart(self, flow: Flow, server: Server) -> Iterator[tuple[Flow, bool, bool]]:
        """``flow`` in parts, each with whether client and server are behind different ports.

        The third says that a frame may go out by the port by which it came.
        """
        for part, port, host in _by_port(flow):
            same_host = host is not None and host == server.name
            if same_host or (port is not None and server.port is not None):
                its = self._of_port.get(port or server.port or "")
                is_apart = not same_host and port != server.port
                yield part._replace(apart=is_apart), is_apart, its is not None and its.hairpin
            elif part.apart is not None:
                yield part, part.apart, False
            else:
                unsure = part.unsure(f"behind which ports of the bridge client and {_called(server)} are")
                yield unsure._replace(apart=True), True, False
                yield unsure._replace(apart=False), False, False

    def crossing(self, flow: Flow, name: str, server: Server) -> Iterator[tuple[Flow, bool, bool]]:
        """``flow``, on the link, in parts: whether it crosses the bridge, and whether rules see it there."""
        if name not in self._bridges or (self._sees_frames is False and not self._own_chains):
            yield flow, False, False
            return
        for part, is_apart, _ in self.apart(flow, server):
            sees = self.sees_frames(part, name)
            if not is_apart:
                yield part, False, False
            elif sees is None:
                unsure = part.unsure(self.sysctl)
                yield unsure._replace(sees_frames=True), True, True
                yield unsure._replace(sees_frames=False), True, False
            else:
                yield part, True, sees

    def widened(self, flow: Flow) -> Flow | None:
        """``flow``, unsure, where chains that see frames may drop it."""
        return flow.unsure("chains of the bridge are not modelled") if self._own_chains else None


def _by_port(flow: Flow) -> Iterable[tuple[Flow, str | None, str | None]]:
    """``flow`` in parts, each with the port of its clients and the host that they are."""
    found: dict[tuple[str | None, str | None], int] = {}
    for clients, mask in zip(flow.sources.clients, flow.sources.masks, strict=True):
        if mask & flow.who:
            key = clients.port, clients.host
            found[key] = found.get(key, 0) | mask
    for (port, host), mask in found.items():
        part, _ = flow.split_who(mask)
        if part is not None:
            yield part, port, host


def _called(server: Server) -> str:
    return "the server" if server.name is None else server.name


def _may_drop(chain: Chain) -> bool:
    harmless = Accept | Pass | Return
    return not chain.accepts or any(not isinstance(rule.action, harmless) for rule in chain.rules)
