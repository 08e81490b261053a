"""Rebinding, lists of names, DNS64, special names."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import Features, instead


def _at_the_asked_name_only(listed: Any) -> Any:
    return lambda walk, name: (walk, None) if walk.chain else listed(walk, name)


def _of_ipv4_only(is_inside: Any) -> Any:
    return lambda address: len(address) == 4 and is_inside(address)


BLOCKING, DECIDE = "splitdns.answer.blocking", "splitdns.answer.decide"
DNS64, REBINDING = "splitdns.answer.dns64", "splitdns.answer.rebinding"

FEATURES: Features = {
    "rebinding": [(f"{REBINDING}.is_inside", instead(lambda _: False))],
    "rebinding-disguises": [(f"{REBINDING}.is_inside", _of_ipv4_only)],
    "rebinding-trust": [(f"{REBINDING}.is_trusted", instead(lambda *_: False))],
    "rebinding-private": [(f"{REBINDING}.PRIVATE_TOPS", instead(frozenset()))],
    "blocklists": [(f"{DECIDE}.find", instead(lambda *_: None))],
    "blocklist-aliases": [(f"{DECIDE}._listed", _at_the_asked_name_only)],
    "blocklist-exceptions": [(f"{BLOCKING}.Hit.lets_pass", instead(lambda *_: False))],
    "blocklist-records": [(f"{BLOCKING}.Hit.alias", instead(lambda *_: None))],
    "dns64": [(f"{DNS64}.is_wanted", instead(lambda *_: False))],
    "dns64-real": [(f"{DNS64}._is_real", instead(lambda _: True))],
    "dns64-ttl": [(f"{DNS64}.MAX_TTL_S", instead(86_400))],
    "dns64-well-known": [(f"{DNS64}._may_be_embedded", instead(lambda *_: True))],
    "dns64-reverse": [(f"{DNS64}.reverse_target", instead(lambda *_: None))],
    "special-names": [("splitdns.load.special.special", instead(lambda *_, **__: {}))],
}
