"""A service as a ``splitdns.yaml``: only what is different from the defaults."""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.imports.plain import listed, quoted
from splitdns.imports.service import Rule, Service, ViewPlan

LISTEN = ("0.0.0.0:53", "[::]:53")


def config(service: Service, source: str) -> str:
    """The configuration; zones are beside it in ``zones/``, lists in ``lists/``."""
    lines = [f"# imported from {source}", f"listen: {listed(service.listen or LISTEN)}", "views:"]
    lines += [f"  {quoted(name)}: {{{_view(plan)}}}" for name, plan in service.views.items()]
    lines.append("zones: [zones/]")
    if service.forward:
        lines.append("forward:")
        lines += [f"  - {{{rule}}}" for rule in _rules(service)]
    if service.lists:
        lines.append("blocklists:")
        lines += [f"  - {{{one}}}" for one in _lists(service)]
    if service.insecure:
        lines.append(f"negative_trust_anchors: {listed(service.insecure)}")
    if service.querylog:
        lines.append("querylog: true")
    return "".join(f"{line}\n" for line in lines)


def _view(plan: ViewPlan) -> str:
    parts = [f"clients: {listed(plan.clients)}", f"horizon: {listed(plan.horizon)}"]
    if plan.recursion:
        parts.append("recursion: true")
        if not plan.is_protected:
            parts.append("rebinding: allow")
        elif plan.allowed:
            parts.append(f"rebinding_allow: {listed(dict.fromkeys(plan.allowed))}")
        if plan.validate:
            parts.append("validate: true")
    return ", ".join(parts)


def _rules(service: Service) -> Iterator[str]:
    """The rules, with domains that are asked alike together."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...], str], list[Rule]] = {}
    for rule in service.forward:
        alike.setdefault((rule.upstreams, rule.views, rule.strategy), []).append(rule)
    for (upstreams, views, strategy), rules in alike.items():
        parts = [f"domains: {listed(rule.domain for rule in rules)}", f"upstreams: {listed(upstreams)}"]
        if strategy:
            parts.append(f"strategy: {strategy}")
        if views:
            parts.append(f"views: {listed(views)}")
        yield ", ".join(parts)


def _lists(service: Service) -> Iterator[str]:
    for name, plan in service.lists.items():
        parts = [f"file: {quoted(list_path(name, plan.format))}", f"format: {plan.format}"]
        if plan.action:
            is_word = len(plan.action) == 1 and plan.action[0].isalpha()
            parts.append(f"action: {plan.action[0] if is_word else listed(plan.action)}")
        if plan.views:
            parts.append(f"views: {listed(plan.views)}")
        yield ", ".join(parts)


def list_path(name: str, form: str) -> str:
    return f"lists/{name}.{'rpz' if form == 'rpz' else 'txt'}"
