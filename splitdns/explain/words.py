"""What an explanation says to a person: phrases, records and answers as text, wherever they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from splitdns.answer.decide import Forward
from splitdns.errors import Where
from splitdns.explain.values import Forwarding, Hop, How, Origin, Outcome, Record, Result, Stripped
from splitdns.load.presentation import rdata_to_text
from splitdns.names import to_text
from splitdns.records import Ede, Rcode, RRset, type_to_text
from splitdns.view import Prefix, UpstreamSet
from splitdns.wire.message import Answer

if TYPE_CHECKING:
    from splitdns.check.verdict import Outcome as Ending
    from splitdns.check.verdict import Packets, Stage

_ICMP, _ICMP6 = 1, 58  # protocol numbers of IANA

# What a hop came to.
RESULTS = {
    Result.RECORDS: "these records answer",
    Result.ALIAS: "an alias: its target is decided anew in this view",
    Result.NODATA: "no data: the name has no record of this type in this view",
    Result.NXDOMAIN: "NXDOMAIN: the name does not exist in this view",
    Result.YXDOMAIN: "YXDOMAIN: the DNAME leads to too long a name",
    Result.REFERRAL: "a referral: the name servers of the delegated zone know",
    Result.FORWARD: "an upstream's to answer",
    Result.SERVFAIL: "SERVFAIL",
    Result.REFUSED: "REFUSED",
    Result.OPEN: "not a name of ours: the client goes on from the alias by itself",
}

# How a connection ends, by its verdict.
MEANINGS = {
    "ok-direct": "it works, past the gateway",
    "ok-routed": "it works, through the gateway",
    "ok-dnat": "it works, by a forward",
    "ok-hairpin": "it works, by a hairpin: the server sees the gateway as its client",
    "router-self": "the client meets the gateway itself",
    "wrong-host": "the client meets another host",
    "refused": "the client is told that nobody is there",
    "dropped": "a rule drops it",
    "asym-reply": "the reply comes from an address that the client never wrote to, and it drops the reply",
    "self-loop": "the server meets its own address as a source, and drops it",
    "no-route": "no route leads there, or back",
    "maybe": "that depends on what is not known",
}


def place_text(where: Where | None) -> str:
    return f" ({where})" if where else ""


def how_text(hop: Hop) -> str:
    how = {
        How.EXACT: "by its exact name",
        How.WILDCARD: f"by the wildcard {hop.matched}",
        How.REGEXP: f"by the regexp ~{hop.matched}",
        How.EMPTY: "an empty non-terminal: only names beneath it hold something",
        How.DNAME: f"by the DNAME at {hop.matched}",
        How.CUT: f"delegated at {hop.matched}",
        How.ELSEWHERE: "declared there, for other views only",
        How.ABSENT: "not declared there",
        How.BROKEN: "its file never loaded",
        How.AUTOMATIC: "the PTR made by itself for an address that our zones declare",
        How.DNS64: "the name of an address that DNS64 makes",
        How.LISTED: f"no zone of ours; blocked by {hop.matched}",
        How.RULE: "no zone of ours; the longest forward rule decides",
        How.NOBODY: "no zone of ours, and no forward rule for this view",
    }[hop.how]
    if hop.zone is None:
        return how
    kind = "overlay" if hop.zone.overlay else "zone"
    source = f" ({hop.zone.source})" if hop.zone.source else " (built in)"
    return f"{kind} {to_text(hop.zone.apex)}{source}: {how}"


def forwarding_text(forwarding: Forwarding) -> str:
    upstreams = ", ".join(upstream_texts(forwarding.upstreams))
    text = f"forward rule {to_text(forwarding.domain)} to {upstreams}{place_text(forwarding.where)}"
    if forwarding.asked:
        text += ", which were asked"
    if forwarding.no_nxdomain:
        text += "; the name exists here, so that an NXDOMAIN there means no data"
    return text


def origin_text(record: Record) -> str:
    if record.place is not None:
        made = "made of " if record.origin is Origin.AUTOMATIC else ""
        return made + str(record.place.where)
    return {
        Origin.ZONE: "made by itself",
        Origin.AUTOMATIC: "made of an address record",
        Origin.SYNTHESIZED: "made of the DNAME, or of the address",
        Origin.UPSTREAM: "upstream",
        Origin.LIST: "the list",
        Origin.SERVER: "the server",
    }[record.origin]


def outcome_text(outcome: Outcome) -> str:
    decided = outcome.decided
    if isinstance(decided, Forward):
        asked = f"{to_text(decided.name)} {type_to_text(decided.qtype)}"
        upstreams = ", ".join(upstream_texts(decided.upstreams))
        return "; ".join([*map(_rrset_text, decided.walk.chain), f"{asked} is asked of {upstreams}"])
    return _answer_text(decided)


def _answer_text(answer: Answer) -> str:
    parts = [_rrset_text(rrset) for rrset in answer.answer]
    if answer.rcode or not parts:
        no_data = not answer.rcode and not answer.aa and answer.authority
        parts.append("referral" if no_data else status_text(answer.rcode) if answer.rcode else "no data")
    parts += [error_text(code, text) for code, text in answer.edes]
    if answer.stripped:
        parts.append(f"leak guard kept back {answer.stripped}")
    return "; ".join(parts)


def _rrset_text(rrset: RRset) -> str:
    return f"{type_to_text(rrset.rdtype)} {', '.join(rdata_texts(rrset))} ({rrset.ttl_s} s)"


def stripped_text(stripped: Stripped) -> str:
    record = f"{to_text(stripped.owner)} {type_to_text(stripped.rdtype)}"
    data = rdata_to_text(stripped.rdtype, stripped.rdata)
    return f"{'shortened' if stripped.shortened else 'kept back'} {record} {data}: {stripped.reason}"


def until_answered(outcome: Ending) -> Sequence[Stage]:
    """The way there and back; what follows, where all is well, is the same once more."""
    ends = [number for number, stage in enumerate(outcome.stages) if stage.where == "client again"]
    return outcome.stages[: ends[0] + 1] if ends and outcome.verdict.works else outcome.stages


def ends_text(packets: Packets) -> tuple[str, str]:
    """Source and destination, with the port where there is one: of ICMP there is none."""
    from splitdns.check.sets import shown_addresses

    source = shown_addresses(packets.family, packets.source)
    destination = shown_addresses(packets.family, packets.destination)
    if is_icmp(packets):
        return source, destination
    from_port, to_port = packets.source_ports.single, packets.destination_ports.single
    return (
        source if from_port is None else f"{source}:{from_port}",
        destination if to_port is None else f"{destination}:{to_port}",
    )


def says_text(stage: Stage) -> str:
    """What is to be said of a stage; a connection's only ICMP message is that nobody listens there."""
    error = "ICMP port unreachable" if is_icmp(stage.packets) else ""
    return ", ".join(filter(None, (error, stage.says)))


def is_icmp(packets: Packets) -> bool:
    return packets.protocols.single in (_ICMP, _ICMP6)


def rdata_texts(rrset: RRset) -> list[str]:
    return [rdata_to_text(rrset.rdtype, rdata) for rdata in rrset.rdatas]


def status_text(rcode: int) -> str:
    """The mnemonic, or ``RCODE17``."""
    return Rcode(rcode).name if rcode in Rcode._value2member_map_ else f"RCODE{rcode}"


def error_text(code: int, text: str) -> str:
    """An extended error (RFC 8914) for a person."""
    name = Ede(code).name.replace("_", " ").lower() if code in Ede._value2member_map_ else f"EDE{code}"
    return f"{name}: {text}" if text else name


def upstream_texts(upstreams: UpstreamSet) -> list[str]:
    return [str(upstream) for upstream in upstreams.upstreams]


def prefix_text(prefix: Prefix | None) -> str:
    return str(prefix) if prefix else "any"
