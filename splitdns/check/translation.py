"""What NAT does to a header: new references in the place of old ones (netfilter's nf_nat_core.c).

What a translation leaves as it was, it has not translated: packets whose destination is the target already
are parted from the others first. A connection's NAT in one direction is decided once; the other packets of
the connection get the same, or its mirror, from what conntrack remembers.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.flows import WHO, Flow, Header, Ref
from splitdns.check.rules import Masquerade, Netmap, Redirect, Side, State, Translate
from splitdns.check.sets import Numbers

MAX_BLOCKS = 1_024  # of a netmap's size that addresses may lie in; beyond it the walk gives up


MAX_TURNS = 64  # of a range of ports; beyond it any port of the range is possible


class TooWideError(Exception):
    """A translation would part its packets into more boxes than are worth following."""


def put(flow: Flow, header: Header) -> Flow:
    """``flow`` with another header, which its connection keeps."""
    assert flow.connection is not None
    return flow._replace(header=header, connection=flow.connection._replace(translated=header))


def translated(flow: Flow, action: Translate) -> Iterator[Flow]:
    """``flow`` after a dnat or snat, in parts where it does different things to them."""
    source = action.side is Side.SOURCE
    ref = flow.header.source if source else flow.header.destination
    for part, address in _to_address(flow, ref, action.addresses):
        port_ref = part.header.source_port if source else part.header.destination_port
        for whole, port in _to_port(part, port_ref, action.ports, action.base):
            header = whole.header
            yield put(
                whole,
                header._replace(source=address, source_port=port)
                if source
                else header._replace(destination=address, destination_port=port),
            )


def redirected(flow: Flow, action: Redirect, to: Numbers) -> Iterator[Flow]:
    """``flow`` to the gateway's own address ``to``."""
    return translated(flow, Translate(Side.DESTINATION, to, action.ports, action.base))


def masqueraded(flow: Flow, action: Masquerade, to: Numbers) -> Iterator[Flow]:
    """``flow`` from the gateway's own address ``to``."""
    return translated(flow, Translate(Side.SOURCE, to, action.ports))


def netmapped(flow: Flow, action: Netmap) -> Iterator[Flow]:
    """``flow`` with another network part in one of its addresses.

    Raises:
        TooWideError: its addresses lie in too many networks of that size.
    """
    source = action.side is Side.SOURCE
    ref = flow.header.source if source else flow.header.destination
    size = action.prefix.num_addresses
    target = int(action.prefix.network_address)
    rest: Flow | None = flow
    blocks = _blocks(flow.of(ref), size)
    if ref[0] == WHO:
        starts = [block - ref[1] for block in blocks]
        flow.sources.require(Numbers.of((start, start + size - 1)) for start in starts)
    for block in blocks:
        if rest is None:
            return
        part, rest = rest.split(ref, Numbers.of((block, block + size - 1)))
        if part is not None:
            moved = (ref[0], ref[1] + target - block)
            header = part.header
            yield put(part, header._replace(source=moved) if source else header._replace(destination=moved))


def _blocks(numbers: Numbers, size: int) -> list[int]:
    blocks: list[int] = []
    for low, high in numbers.ranges:
        first, last = low // size, high // size
        if last - first + 1 + len(blocks) > MAX_BLOCKS:
            raise TooWideError
        blocks += (at * size for at in range(first, last + 1) if not blocks or at * size > blocks[-1])
    return blocks


def _to_address(flow: Flow, ref: Ref, to: Numbers | None) -> Iterator[tuple[Flow, Ref]]:
    if to is None:
        yield flow, ref
        return
    already, other = flow.split(ref, to)
    if already is not None and to.single is not None:
        yield already, ref
    elif already is not None:
        yield from _to_another(already, ref, to)
    if other is not None:  # of several, which one is taken is a matter of a hash
        yield other.choose(to)


def _to_another(flow: Flow, ref: Ref, to: Numbers) -> Iterator[tuple[Flow, Ref]]:
    """To one of several addresses, of which it has one: taking that one translates nothing."""
    numbers = flow.of(ref)
    if numbers.size > MAX_TURNS:
        yield flow.choose(to)
        return
    rest: Flow | None = flow.unsure("one of several addresses or ports is taken")
    for low, high in numbers.ranges:
        for number in map(Numbers.one, range(low, high + 1)):
            part, rest = rest.split(ref, number) if rest is not None else (None, None)
            if part is not None:
                yield part, ref
                yield part.choose(to - number)


def _to_port(flow: Flow, ref: Ref, to: Numbers | None, base: int | None) -> Iterator[tuple[Flow, Ref]]:
    assert flow.connection is not None
    if to is None or not flow.connection.has_ports:
        yield flow, ref
        return
    if base is not None:
        yield from _shifted(flow, ref, to, base)
        return
    already, other = flow.split(ref, to)
    if already is not None:  # a port within the range is kept
        yield already, ref
    if other is not None:
        yield other.choose(to)


def _shifted(flow: Flow, ref: Ref, to: Numbers, base: int) -> Iterator[tuple[Flow, Ref]]:
    """Port ``base`` becomes the first of ``to``, the next the second, and after the last the first again.

    Ports before ``base`` count from it as unsigned 16-bit numbers do, past 65,535. Where that makes too many
    pieces, one port of ``to`` is taken, whichever.
    """
    if to.single is not None:
        yield from _to_address(flow, ref, to)
        return
    if flow.of(ref).size > MAX_TURNS * to.size:
        yield flow.choose(to)
        return
    rest: Flow | None = flow
    for low, high in flow.of(ref).ranges:
        for origin in (base, base - 65_536):
            first, last = max(low, origin), min(high, origin + 65_535)
            for turn in range((first - origin) // to.size, (last - origin) // to.size + 1):
                start = origin + turn * to.size
                turned = Numbers.of((max(first, start), min(last, start + to.size - 1)))
                part, rest = rest.split(ref, turned) if rest is not None else (None, None)
                if part is not None:
                    yield part, (ref[0], ref[1] + to.first - start)


def dst_turn(flow: Flow) -> Flow:
    """A packet of a known connection where destinations are translated."""
    connection = flow.tracked
    assert connection is not None
    header = flow.header
    if flow.is_reply:
        header = header._replace(destination=connection.original.source)
        port = connection.original.source_port
    else:
        header = header._replace(destination=connection.translated.destination)
        port = connection.translated.destination_port
    if connection.has_ports and flow.state is not State.RELATED:
        header = header._replace(destination_port=port)
    return flow._replace(header=header)


def src_turn(flow: Flow) -> Flow:
    """A packet of a known connection where sources are translated."""
    connection = flow.tracked
    assert connection is not None
    header = flow.header
    if flow.is_reply:
        header = header._replace(source=connection.original.destination)
        port = connection.original.destination_port
    else:
        header = header._replace(source=connection.translated.source)
        port = connection.translated.source_port
    if connection.has_ports and flow.state is not State.RELATED:
        header = header._replace(source_port=port)
    return flow._replace(header=header)
