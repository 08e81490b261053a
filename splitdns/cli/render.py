"""Records, names and outcomes as lines and as JSON, the same in every command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from splitdns.answer.decide import Forward
from splitdns.explain.words import rdata_texts, status_text, upstream_texts
from splitdns.names import to_text
from splitdns.records import RRset, type_to_text
from splitdns.wire.message import Answer, Query


def record_lines(rrsets: Iterable[RRset]) -> list[str]:
    """One line a record, as in a master file."""
    return [
        f"{to_text(rrset.owner)}\t{rrset.ttl_s}\tIN\t{type_to_text(rrset.rdtype)}\t{rdata}"
        for rrset in rrsets
        for rdata in rdata_texts(rrset)
    ]


def record_values(rrsets: Iterable[RRset]) -> list[dict[str, Any]]:
    """One object a record."""
    return [
        {"name": to_text(rrset.owner), "type": type_to_text(rrset.rdtype), "ttl_s": rrset.ttl_s, "data": data}
        for rrset in rrsets
        for data in rdata_texts(rrset)
    ]


def question_value(query: Query) -> dict[str, Any]:
    return {"name": to_text(query.question), "type": type_to_text(query.qtype)}


def decided_value(decided: Answer | Forward) -> dict[str, Any]:
    """What a view gives: ``status`` is null where an upstream would be asked."""
    if isinstance(decided, Forward):
        forward = {
            "name": to_text(decided.name),
            "type": type_to_text(decided.qtype),
            "upstreams": upstream_texts(decided.upstreams),
        }
        return {
            "status": None,
            "aa": False,
            "answer": record_values(decided.walk.chain),
            "authority": [],
            "additional": [],
            "errors": [],
            "stripped": 0,
            "forward": forward,
        }
    return {
        "status": status_text(decided.rcode),
        "aa": decided.aa,
        "answer": record_values(decided.answer),
        "authority": record_values(decided.authority),
        "additional": record_values((*decided.glue, *decided.additional)),
        "errors": [{"code": code, "text": text} for code, text in decided.edes],
        "stripped": decided.stripped,
        "forward": None,
    }
