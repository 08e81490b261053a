"""Hosts that a container's labels give to a reverse proxy: routers of Traefik, sites of caddy-docker-proxy.

The same labels that make the proxy serve a name make it resolve: nobody writes it twice. What a person wrote
for the proxy is no mistake where it is merely of no use here: names of other zones, sites without a name,
patterns for whatever host there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from splitdns.names import Qname, to_text
from splitdns.sources.docker.rules import hosts_in
from splitdns.value import value
from splitdns.zone import check_pattern

_ROUTER = re.compile(r"traefik\.(?:http|tcp)\.routers\.[^.]+\.rule", re.IGNORECASE)
_SITE = re.compile(r"caddy(?:_[0-9]+)?")
_ENABLE = "traefik.enable"
_SITE_ADDRESS = re.compile(
    r"(?:https?://)?(?P<host>[A-Za-z0-9*_-][A-Za-z0-9*_.-]*\.[A-Za-z0-9_-]+)\.?(?::[0-9]+)?(?:/.*)?"
)
_BETWEEN = re.compile(r"[\s,]+")
_ADDRESS = re.compile(r"[0-9.]+")


@value(frozen=True, slots=True)
class Host:
    """A host's name, or a pattern of names (RE2) that is searched in the whole name."""

    text: str
    is_pattern: bool = False


def hosts_of(
    labels: Mapping[str, str], mistake: Callable[[str, str], None]
) -> Iterator[tuple[str, Host]]:
    """The hosts and the label of each; ``mistake`` is told label and reason of a rule that is none."""
    is_served = labels.get(_ENABLE, "true").strip().lower() not in ("false", "0", "f")
    for label in sorted(labels):
        if is_served and _ROUTER.fullmatch(label):
            try:
                found = hosts_in(labels[label])
            except ValueError as error:
                mistake(label, str(error))
                continue
            for name in found.names:
                if not _ADDRESS.fullmatch(name):
                    yield label, Host(name.removeprefix("*") if name.startswith("**.") else name)
            for pattern in found.patterns:
                yield label, Host(pattern, is_pattern=True)
        elif _SITE.fullmatch(label):
            for word in _BETWEEN.split(labels[label]):
                match = _SITE_ADDRESS.fullmatch(word)
                if match is not None and not _ADDRESS.fullmatch(match["host"]):
                    yield label, Host(match["host"])


def relative(pattern: str, zone: Qname, domains: Sequence[Qname]) -> str | None:
    r"""``pattern``, which is searched in whole names, as one of names relative to ``zone``.

    None: it is not meant for us, as it says nothing of the zone.

    >>> from splitdns.names import from_text
    >>> zone = from_text("example.com.")
    >>> relative(r"^.+\.apps\.example\.com$", zone, [zone])
    '^.+\\.apps$'

    Raises:
        ValueError: it is no RE2 expression, or it may match names that are not under one of ``domains``.
    """
    try:
        check_pattern(pattern)
    except ValueError as error:
        raise ValueError(f"expected a regular expression, found {pattern[:60]!r} (RE2: {error})") from None
    for domain in domains:
        head = _head(pattern, domain)
        if head is not None and not _has_alternatives(head):
            whole = head + _escaped(domain)
            return whole.removesuffix(r"\." + _escaped(zone)) + "$"
    if not _mentions(pattern, zone):
        return None
    ends = " or ".join(rf"\.{_escaped(domain)}$" for domain in domains)
    raise ValueError(f"expected a regular expression that ends in {ends}, found {pattern[:60]!r}")


def _escaped(domain: Qname) -> str:
    return to_text(domain)[:-1].replace(".", r"\.")


def _mentions(pattern: str, domain: Qname) -> bool:
    """Whether the domain stands somewhere in it, with dots that are escaped, or forgotten to be."""
    labels = map(re.escape, to_text(domain)[:-1].split("."))
    return re.search(r"\\*\.".join(labels), pattern, re.IGNORECASE) is not None


def _head(pattern: str, domain: Qname) -> str | None:
    """What stands before the domain, its dot included; None where the pattern does not end in it."""
    end = rf"\.{_escaped(domain)}$"
    head = pattern[: -len(end)]
    if pattern[-len(end) :].lower() != end or (len(head) - len(head.rstrip("\\"))) % 2:
        return None
    return head + r"\."


def _has_alternatives(pattern: str) -> bool:
    """Whether a `|` stands outside of all parentheses: then only what is behind the last ends as it does."""
    depth, is_class, at = 0, False, 0
    while at < len(pattern):
        one = pattern[at]
        at += 2 if one == "\\" else 1
        if is_class:
            is_class = one != "]"
        elif one == "[":
            is_class = True
            at += 1 if pattern[at : at + 1] == "^" else 0
            at += 1 if pattern[at : at + 1] == "]" else 0  # first, it is one of the characters
        elif one in "()":
            depth += 1 if one == "(" else -1
        elif one == "|" and not depth:
            return True
    return False
