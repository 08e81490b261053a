"""What all containers declare together: one claim for each name, and who loses where two want the same.

Whoever was there first keeps the name: a container that comes later cannot take it away. Replicas of one
service share it, and so do containers that lead the same way, as those behind one proxy do. Whoever is
leaving keeps what nobody else wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from splitdns.errors import Problems, ZoneError
from splitdns.names import to_text
from splitdns.sources.docker.container import Container
from splitdns.sources.docker.following import Running
from splitdns.sources.docker.labels import Claim, Terms, claims_of

T = TypeVar("T")


def claims_in(running: Running, terms: Terms, problems: Problems) -> list[Claim]:
    """The claims of all containers, the oldest container's first; mistakes go to ``problems``."""
    found = settled(_claims(running.containers, running, terms, problems), problems)
    told = Problems()  # while they ran
    return settled([*found, *_claims(running.leaving, running, terms, told)], told)


def _claims(
    containers: Iterable[Container], running: Running, terms: Terms, problems: Problems
) -> Iterator[Claim]:
    for container in containers:
        yield from claims_of(container, terms, running.reachable, problems)


def settled(claims: Iterable[Claim], problems: Problems) -> list[Claim]:
    """One of ``claims`` for each name, in their order."""
    found: dict[tuple[bytes, str], Claim] = {}
    for claim in claims:
        key = claim.owner, claim.pattern
        first = found.setdefault(key, claim)
        if first is claim:
            continue
        if set(first.inside) == set(claim.inside) or (first.service and first.service == claim.service):
            found[key] = _joined(first, claim)
            continue
        name = f"~{claim.pattern}" if claim.pattern else to_text(claim.owner)
        message = f"expected a name that nobody else has, found {name}, which container {first.container} has"
        problems.error(ZoneError(claim.where, message))
    return list(found.values())


def _joined(first: Claim, other: Claim) -> Claim:
    return replace(
        first,
        inside=_union(first.inside, other.inside),
        outside=_union(first.outside, other.outside),
        expose=_union(first.expose, other.expose),
        ttl_s=first.ttl_s if first.ttl_s is not None else other.ttl_s,
        is_own=first.is_own and other.is_own,
    )


def _union(one: Sequence[T], other: Sequence[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*one, *other)))
