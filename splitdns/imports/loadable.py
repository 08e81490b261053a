"""A service that the loader takes: what another system was content with may be a mistake here.

Each is told at its place, instead of as a mistake in a file that nobody wrote.
"""

from __future__ import annotations

from collections.abc import Callable

from splitdns.errors import Where
from splitdns.imports.entries import Found
from splitdns.imports.service import Rule, Service
from splitdns.load import configvalues, upstreamvalues


def mend(service: Service, found: Found, whole: Where) -> None:
    """Leave out rules and domains that are no names, who cannot be asked, second rules, and asking itself."""
    service.listen[:] = dict.fromkeys(service.listen)
    kept: list[Rule] = []
    seen: set[tuple[str, str]] = set()
    for rule in service.forward:
        upstreams = tuple(one for one in rule.upstreams if not _is_own(one, service.listen))
        for one in upstreams:
            if (wrong := _wrong(one, upstreamvalues.upstream)) is not None:
                found.leave(rule.where, f"left out: {wrong}")
                upstreams = tuple(other for other in upstreams if other != one)
        pairs = {(rule.domain.lower(), view) for view in rule.views or ("",)}
        if (wrong := _wrong(rule.domain)) is not None:
            found.leave(rule.where, f"left out: {wrong}")
        elif pairs & seen:
            found.leave(rule.where, f"left out: there is a rule for {rule.domain} already")
        elif not upstreams:
            found.leave(rule.where, f"left out: {rule.domain} was asked of this server itself, or of nobody")
        else:
            seen |= pairs
            kept.append(Rule(rule.domain, upstreams, rule.where, rule.views, rule.strategy))
    service.forward[:] = kept
    for domains in (*(view.allowed for view in service.views.values()), service.insecure):
        for domain in list(domains):
            if (wrong := _wrong(domain)) is not None:
                found.leave(whole, f"left out: {wrong}")
                domains[:] = [one for one in domains if one != domain]


def _wrong(text: str, read: Callable[[str], object] = configvalues.domain) -> str | None:
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return None


def _is_own(upstream: str, listen: list[str]) -> bool:
    """Whether an upstream without a scheme is an address that is listened at."""
    place = upstream if ":" in upstream else f"{upstream}:53"
    if upstream.count(":") > 1 and not upstream.startswith("["):
        place = f"[{upstream}]:53"
    return place in listen
