"""The packets' way through the gateway, drawn: where they are, as whom, and which rule made them so.

Small values that travel well, of nothing but text and flags, for they are made in a child of the supervisor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from splitdns.explain.words import MEANINGS, ends_text, says_text, until_answered
from splitdns.load.load import Loaded
from splitdns.value import value

if TYPE_CHECKING:
    from splitdns.check.sets import Numbers
    from splitdns.check.verdict import Outcome as Ending
    from splitdns.check.verdict import Packets
    from splitdns.check.verdict import Stage as Passed
    from splitdns.explain.way import Arrival as Arrived
    from splitdns.explain.way import Way as Gone

Tone = Literal["good", "warn", "bad", "plain"]

# Where a packet is between the gateway's interfaces.
_AT_GATEWAY = ("prerouting", "routing", "forward", "postrouting", "input", "output")


@value(frozen=True, slots=True)
class Wrong:
    """What of it is wrong."""

    field: Literal["name", "client", "port"]
    reason: str


@value(frozen=True, slots=True)
class Act:
    """A rule that acted: ``chain`` with its table, what it did, and where it stands."""

    chain: str
    what: str
    rule: str


@value(frozen=True, slots=True)
class Packet:
    """Addresses with ports, and which of them have just been rewritten."""

    source: str
    destination: str
    new_source: bool = False
    new_destination: bool = False


@value(frozen=True, slots=True)
class Stage:
    """A piece of the packet's way; ``side`` is who has it."""

    place: str
    side: Literal["client", "gateway", "server"]
    packet: Packet
    says: str
    acts: tuple[Act, ...]


@value(frozen=True, slots=True)
class Picture:
    """The way as three stations: which lines there are, and what the packets on each are."""

    through: bool  # the request goes through the gateway
    reached: bool  # the server has it
    back: Literal["", "direct", "gateway"]
    works: bool
    legs: tuple[Packet | None, Packet | None, Packet | None, Packet | None]  # there, on, back, home


@value(frozen=True, slots=True)
class End:
    """One way in which the connection may end."""

    verdict: str
    stages: tuple[Stage, ...]
    picture: Picture
    conntrack: str


@value(frozen=True, slots=True)
class Arrival:
    """What becomes of the connection to one address."""

    address: str
    verdict: str
    meaning: str
    tone: Tone
    reasons: tuple[str, ...]
    ends: tuple[End, ...]


@value(frozen=True, slots=True)
class Way:
    """The query's way in a phrase, and each address's; ``lost`` is the view that should have answered."""

    query: str
    lost: str
    view: str
    arrivals: tuple[Arrival, ...]


def way_of(loaded: Loaded, base: Path, owner: bytes, host: str, port: str) -> Way | str | Wrong:
    """The way of a connection to ``port`` of ``owner`` from ``host``; as text, why there is none."""
    from splitdns.check.gather import read_gateway
    from splitdns.check.judge import judge
    from splitdns.explain.way import NoSuchClientError, way
    from splitdns.load import expose

    try:
        wanted = expose.port(port)
    except ValueError as error:
        return Wrong("port", str(error))
    settings = loaded.settings.gateway
    if settings is None or not settings.sources:
        return "The configuration has no gateway: splitdns does not know the rules that packets meet."
    try:
        judgement = judge(read_gateway(loaded.settings, base, commands=False), settings, loaded)
        return _gone(way(judgement, ip_address(host), owner, wanted))
    except ExceptionGroup as group:
        return "; ".join(map(str, group.exceptions))
    except NoSuchClientError as error:
        return str(error)


def _gone(way: Gone) -> Way:
    query, lost = "Nobody knows where clients ask: gateway.resolver tells.", ""
    if way.asked is not None:
        result = way.asked.result
        endpoint = result.outcomes[0].endpoint if result.outcomes else None
        there = f"{way.seen.clients.name} asks {way.asked.address} port 53"
        if endpoint is None:
            query = f"{there}: the query does not arrive. Others tell it what its view is told."
        else:
            query = f"{there}, and arrives as {_addresses(result.packets.family, endpoint.seen_source)}."
        lost = (way.seen.view or "none") if way.view != way.seen.view else ""
    return Way(query, lost, way.view or "", tuple(map(_arrival, way.arrivals)))


def _arrival(arrived: Arrived) -> Arrival:
    result = arrived.result
    verdict = result.verdict.value
    return Arrival(
        str(arrived.address),
        verdict,
        MEANINGS[verdict],
        "good" if result.verdict.works else "warn" if verdict == "maybe" else "bad",
        result.reasons,
        tuple(_end(outcome, arrived) for outcome in result.outcomes),
    )


def _end(outcome: Ending, arrived: Arrived) -> End:
    from splitdns.explain.way import conntrack

    passed = until_answered(outcome)
    stages = tuple(_stages(passed))
    picture = _picture(stages, works=outcome.verdict.works)
    return End(outcome.verdict.value, stages, picture, conntrack(outcome, arrived.result) or "")


def _stages(passed: Iterable[Passed]) -> Iterator[Stage]:
    former: Packet | None = None
    replying = False
    for one in passed:
        answers = one.where == "reply"
        packet = _packet(one.packets, former if not answers else None)
        replying = replying or answers
        side: Literal["client", "gateway", "server"] = "server"
        if one.where in _AT_GATEWAY:
            side = "gateway"
        elif one.where.startswith("client"):
            side = "client"
        acts = tuple(
            Act(f"{act.table} {act.chain}", act.what, str(act.rule.origin) if act.rule is not None else "")
            for act in one.acts
        )
        yield Stage(one.where, side, packet, says_text(one), acts)
        former = packet


def _packet(packets: Packets, former: Packet | None) -> Packet:
    source, destination = ends_text(packets)
    if former is None:
        return Packet(source, destination)
    return Packet(source, destination, source != former.source, destination != former.destination)


def _picture(stages: Sequence[Stage], *, works: bool) -> Picture:
    at = next((number for number, one in enumerate(stages) if one.place == "reply"), len(stages))
    there, back = stages[:at], stages[at:]
    reached = any(one.side == "server" for one in there)
    through = any(one.side == "gateway" for one in there)
    home = back[-1].packet if back and back[-1].side == "client" else None
    return Picture(
        through,
        reached,
        "" if not back else "gateway" if any(one.side == "gateway" for one in back) else "direct",
        works,
        (
            there[0].packet if there else None,
            next((one.packet for one in reversed(there) if one.side == "server"), None),
            back[0].packet if back else None,
            home,
        ),
    )


def _addresses(family: int, numbers: Numbers) -> str:
    from splitdns.check.sets import shown_addresses

    return shown_addresses(family, numbers)
