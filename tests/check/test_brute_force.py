"""On tiny universes the walk over sets equals one packet at a time."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.check import model as m
from splitdns.check.sets import Numbers, numbers_of
from splitdns.check.verdict import Packets, Question, Result, Verdict
from splitdns.check.walk import walk
from tests.check import universes
from tests.check.naive import Choose, Outcome, Packet, every_outcome
from tests.check.naive_journey import connect

QUICK, LONG = 60, 3_000  # gateways
PACKETS = 25  # of each

DESTINATIONS = numbers_of(*map(ip_address, universes.INTERESTING))
PORTS = Numbers.of(*((one, one) for one in universes.PORTS))
PROTOCOLS = Numbers.of(*((one, one) for one in universes.PROTOCOLS))


def _holds(packets: Packets, packet: Packet) -> bool:
    return (
        packet.src in packets.source
        and packet.dst in packets.destination
        and packet.proto in packets.protocols
        and packet.sport in packets.source_ports
        and packet.dport in packets.destination_ports
    )


def _met(result: Result) -> set[tuple[str, str | None]]:
    return {(one.verdict.value, one.endpoint.host if one.endpoint else None) for one in result.outcomes}


def _is_among(outcome: Outcome, result: Result) -> bool:
    verdict, host, address, port, source = outcome
    for one in result.outcomes:
        end = one.endpoint
        if one.verdict.value == verdict and (
            end is None
            or (
                end.host == host
                and address in end.addresses
                and port in end.ports
                and source in end.seen_source
            )
        ):
            return True
    return False


def disagreements(seed: int, packets: int = PACKETS) -> list[str]:
    """What is wrong with the walk of a random gateway."""
    random = Random(seed)
    universe = universes.Universe(random)
    question = Question(universe.clients, 4, DESTINATIONS, PROTOCOLS, PORTS)
    results = walk(universe.gateway, question)
    found = [f"{seed}: truncated" for one in results if one.truncated]
    for _ in range(packets):
        clients = random.choice(universe.clients)
        packet = _packet(random, clients)
        cells = [one for one in results if one.clients is clients and _holds(one.packets, packet)]
        if len(cells) != 1:
            found.append(f"{seed}: {clients.name} {packet} is in {len(cells)} results")
            continue
        expected = every_outcome(partial(_connect, universe.gateway, clients, packet))
        if expected is None:
            continue
        (cell,) = cells
        if {one[:2] for one in expected} != _met(cell) or not all(_is_among(one, cell) for one in expected):
            walked = [(one.verdict.value, one.endpoint) for one in cell.outcomes]
            found.append(f"{seed}: {clients.name} {packet}: {expected} but {walked}")
    return found


def _connect(gateway: m.Gateway, clients: m.Clients, packet: Packet, choose: Choose) -> Outcome:
    return connect(gateway, clients, packet, choose)


def _packet(random: Random, clients: m.Clients) -> Packet:
    return Packet(
        random.choice([at for low, high in clients.numbers.ranges for at in range(low, high + 1)]),
        int(ip_address(random.choice(universes.INTERESTING))),
        random.choice(universes.PROTOCOLS),
        random.choice(universes.SOURCE_PORTS),
        random.choice(universes.PORTS),
    )


@pytest.mark.parametrize("start", range(0, QUICK, 20))
def test_random_gateways(start: int) -> None:
    assert [one for seed in range(start, start + 20) for one in disagreements(seed)] == []


# Gateways that showed a mistake once.
ONCE_WRONG = (30, 43, 63, 116, 125, 260, 1007, 1124, 1218, 1268, 1935, 2630, 43_628, 43_734)


@pytest.mark.parametrize("seed", ONCE_WRONG)
def test_gateways_that_were_walked_wrong(seed: int) -> None:
    assert disagreements(seed) == []


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=LONG, deadline=None)
@given(st.integers(0, 2**32))
def test_many_random_gateways(seed: int) -> None:
    assert disagreements(seed) == []


def test_a_connection_of_every_kind_occurs() -> None:
    """What the universes do not show, they do not test."""
    wanted = set(Verdict) - {Verdict.MAYBE, Verdict.WRONG_HOST}
    seen: set[Verdict] = set()
    for seed in range(400):
        universe = universes.Universe(Random(seed))
        question = Question(universe.clients, 4, DESTINATIONS, PROTOCOLS, PORTS)
        seen |= {one.verdict for result in walk(universe.gateway, question) for one in result.outcomes}
        if seen == wanted:
            break
    assert seen == wanted
