"""DNS over UDP on one socket.

The socket is read until it is empty, or 64 datagrams later when others have their turn: asyncio's own
transport takes one datagram a turn, which costs ten times what the answer costs. Where libc can, that is one
system call each way (``batch``), else one or two for each datagram; the answers are the same. An answer
leaves from the address that was asked, also from a wildcard socket of a host with many: otherwise the client,
or the NAT before it, does not know it for an answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial
from typing import cast

from splitdns.metrics import DROPS
from splitdns.serve.batch import DATAGRAMS, LIBC, Address, Batch, Calls, Control, Origin
from splitdns.serve.hot import Hot
from splitdns.serve.parts import PARTS, Parts, SendBack
from splitdns.serve.passed import Back, Passed
from splitdns.serve.pipeline import Pending, Pipeline
from splitdns.serve.prompt import PromptLoop
from splitdns.serve.sockets import IP_PKTINFO, is_wildcard, server_label
from splitdns.wire.message import Transport

DATAGRAMS_A_TURN = DATAGRAMS
MAX_QUERY_OCTETS = 4096  # of a datagram; beyond: what was cut off makes it FORMERR
MAX_PENDING = 10_000  # queries that wait for upstreams; beyond: dropped as "busy", the client asks again

_LAST_TURNS = 256  # more than a receive buffer holds
_CONTROL_OCTETS = socket.CMSG_SPACE(20)  # one in6_pktinfo, the larger of the two
_NO_INTERFACE = bytes(4)




class DatagramServer:
    """Answers what comes in on ``sock``, a bound and non-blocking UDP socket, which it owns from now on."""

    def __init__(
        self,
        sock: socket.socket,
        pipeline: Pipeline,
        *,
        max_pending: int = MAX_PENDING,
        batched: Calls | None = LIBC,
        parts: Parts = PARTS,
    ) -> None:
        """``batched`` are libc's calls for batches; without them it goes without. ``parts`` make the loop."""
        self._sock = sock
        self._pipeline = pipeline
        self._max_pending = max_pending
        self._server = server_label(sock)
        self._pending = 0
        self._unsent: list[tuple[bytes, Back]] = []
        self._drained: asyncio.Future[None] | None = None
        if is_wildcard(sock):
            self._control_octets = _CONTROL_OCTETS
            _ask_for_destination(sock)
        else:
            self._control_octets = 0
        self._turn = self._turn_by_datagram
        self._flush = self._flush_by_datagram
        self._hot: Hot | None = None
        if batched is not None:
            batch = Batch(sock, batched, MAX_QUERY_OCTETS, self._control_octets)
            family = 2 if sock.family == socket.AF_INET6 else 1
            self._hot = Hot(batch, pipeline, self._server, family, parts)
            self._turn = partial(self._turn_by_batch, self._hot)
            later = Batch(sock, batched, MAX_QUERY_OCTETS, self._control_octets)
            self._flush = partial(self._flush_by_batch, parts.send_back(later))

    def start(self) -> None:
        """Answer from now on, on the running event loop."""
        loop = asyncio.get_running_loop()
        if isinstance(loop, PromptLoop):
            loop.add_prompt_reader(self._sock, self._turn)
        else:
            loop.add_reader(self._sock, self._turn)

    def settle(self) -> None:
        """Bring the pipeline's counts up to date."""
        for _ in self.settling():
            pass

    def settling(self) -> Iterator[None]:
        """The same by the portion, as ``Learnt`` does."""
        return iter(()) if self._hot is None else self._hot.settling()

    async def drain(self, within_s: float) -> None:
        """Answer what has come, wait for upstreams for ``within_s`` at most, and close."""
        loop = asyncio.get_running_loop()
        if isinstance(loop, PromptLoop):
            loop.remove_prompt_reader(self._sock)
        else:
            loop.remove_reader(self._sock)
        for _ in range(_LAST_TURNS):
            if self._turn():
                break
        if self._pending:
            self._drained = loop.create_future()
            await asyncio.wait((self._drained,), timeout=within_s)
        self._sock.close()
        self.settle()

    def _turn_by_batch(self, hot: Hot) -> bool:
        """Answer what has come, up to a limit, for others have their turn too; whether that was all."""
        try:
            done, waiting = hot.turn()
        except OSError:  # an ICMP error about an earlier answer, and nothing to read
            self._pipeline.counts.add(DROPS, "receive")
            return False
        for pending, origin in waiting:
            self._wait_for(pending, origin)
        return done

    def _turn_by_datagram(self) -> bool:
        """The same with a system call for each."""
        receive, answer_now = self._sock.recvmsg, self._pipeline.answer_now
        for _ in range(DATAGRAMS_A_TURN):
            try:
                wire, control, _, address = receive(MAX_QUERY_OCTETS, self._control_octets)
            except BlockingIOError:
                return True
            except OSError:  # an ICMP error about an earlier answer, and nothing to read
                self._pipeline.counts.add(DROPS, "receive")
                continue
            outcome = answer_now(wire, address[0], Transport.UDP, self._server)
            if outcome is None:
                continue
            source = source_control(control) if control else control
            if isinstance(outcome, Pending):
                self._wait_for(outcome, (source, address))
            else:
                self._send(outcome, (source, address))
        return False

    def _send(self, answer: bytes, back: Back) -> None:
        """Send soon, with what else there is by then: one after the other wakes whoever waits only once."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append((answer, back))

    def _flush_by_batch(self, send_back: SendBack) -> None:
        unsent, self._unsent = self._unsent, []
        if lost := send_back(cast(list[tuple[bytes, Origin]], unsent)):
            self._pipeline.counts.add(DROPS, "send", by=lost)

    def _flush_by_datagram(self) -> None:
        unsent, self._unsent = self._unsent, []
        send = self._sock.sendmsg
        for answer, back in unsent:
            source, address = cast(tuple[Control, Address], back)
            try:
                send((answer,), source, 0, address)
            except OSError:  # a full buffer, a firewall, no route, port 0: the client asks again
                self._pipeline.counts.add(DROPS, "send")

    def _wait_for(self, pending: Pending | Passed, back: Back) -> None:
        if self._pending >= self._max_pending:
            self._pipeline.counts.add(DROPS, "busy")
            return
        self._pending += 1
        if isinstance(pending, Passed):
            pending.begin(back, self._finish)
        else:
            self._pipeline.finish_then(pending, partial(self._finish, back))

    def _finish(self, back: Back, answer: bytes | None) -> None:
        self._pending -= 1
        if answer is not None:
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent.append((answer, back))
        if self._drained is not None and not self._pending and not self._drained.done():
            self._drained.set_result(None)


def _ask_for_destination(sock: socket.socket) -> None:
    """Have the kernel say with each datagram to which address it came (ip(7), RFC 3542 6.2)."""
    if sock.family == socket.AF_INET6:
        # On a socket for both families this is about IPv4 too, whose addresses come as IPv4-mapped ones.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def source_control(control: Control) -> Control:
    """The control message that sends an answer from where ``control`` says the query came to.

    The interface is left to the routing table, which knows the way back better than the way here, but for
    link-local addresses, which mean nothing without it. To a multicast address nobody answers from it.
    """
    for level, kind, info in control:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:  # struct in_pktinfo: index, local, destination
            return [(level, kind, _NO_INTERFACE + info[4:])]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:  # struct in6_pktinfo: address, index
            if info[0] == 0xFF:
                return []
            if info[0] == 0xFE and info[1] & 0xC0 == 0x80:
                return [(level, kind, info)]
            return [(level, kind, info[:16] + _NO_INTERFACE)]
    return []
