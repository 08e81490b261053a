"""What a rule of nft does: its statements, in order, as rules of the model.

A rule of nft is a list of statements, and the first that does not match ends it; a rule of the model has
its conditions first and does one thing. So one becomes several: each statement that does something is a rule
with all conditions that stood before it. Only where a statement changes what an earlier one asked for
(``meta mark 0 meta mark set 1 accept``) do the rest of them go into a chain of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from splitdns.check.dialects.json_places import Json, Misshapen, listed, mapping, only, shown, word
from splitdns.check.dialects.nftables_marks import marks
from splitdns.check.dialects.nftables_match import Within, mapped, matches, possible_values, presupposed
from splitdns.check.dialects.nftables_nat import Acts, translations
from splitdns.check.dialects.nftables_rates import NOT_REACHED, rate
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    NEVER,
    Chance,
    Terms,
    of_protocol,
    settled,
)
from splitdns.check.rules import (
    TCP,
    Accept,
    Action,
    Condition,
    Drop,
    Goto,
    Jump,
    Mark,
    Of,
    Opaque,
    Original,
    Pass,
    Reject,
    Return,
    SetMark,
    States,
    Support,
    Translated,
    Unknown,
    Untrack,
)

_PASSING = frozenset({"counter", "log", "last", "continue", "comment"})
_IGNORED = {
    "dup": "the packet itself goes on; its copy is not followed",
    "flow": "only later packets of a connection that was let through take the flow table's way",
    "ct helper": "only further connections, which the helper expects, are touched",
    "ct expectation": "only further connections are touched",
    "ct timeout": "how long a connection is remembered does not change its way",
    "secmark": "a label for security modules",
    "reset": "a TCP option is removed",
    "optstrip": "a TCP option is removed",
    "tcp option": "a TCP option is removed",
}
_OPAQUE = {
    "queue": "a program decides (queue)",
    "tproxy": "a local program takes the packet (tproxy)",
    "fwd": "the packet leaves by another interface (fwd)",
    "synproxy": "the handshake is answered here (synproxy)",
    "xt": "made by iptables-nft, which does not tell nft what it does",
}
# Conditions that hold only sometimes.
_SOMETIMES = frozenset({"limit", "quota", "ct count", "meter"})
# Which of several named objects is meant may depend on the packet; what these do is ignored either way.
_NAMED = frozenset({"counter", "ct helper", "ct timeout", "ct expectation", "secmark"})
# What ``mangle`` may set without changing a packet's way.
_HARMLESS_META = frozenset({"priority", "nftrace", "rtclassid", "secmark"})
_HARMLESS_CT = frozenset({"label", "event", "secmark", "helper"})
_HARMLESS_FIELDS = frozenset(
    {
        ("ip", "dscp"), ("ip", "ecn"), ("ip", "ttl"), ("ip", "id"), ("ip", "checksum"), ("ip", "frag-off"),
        ("ip6", "dscp"), ("ip6", "ecn"), ("ip6", "hoplimit"), ("ip6", "flowlabel"), ("tcp", "window"),
        ("tcp", "checksum"), ("udp", "checksum"), ("tcp", "sequence"), ("tcp", "urgptr"), ("vlan", "pcp"),
    }
)  # fmt: skip


@dataclass(slots=True)
class Compiled:
    """The rules of the model that one rule of nft makes, and what of it is not modelled.

    ``rest``: statements that belong into a chain of their own, to which the last of ``acts`` jumps.
    """

    acts: Acts = field(default_factory=list)
    notes: list[tuple[Support, str, str]] = field(default_factory=list)
    rest: list[Json] = field(default_factory=list)

    def note(self, support: Support, name: str, reason: str = "") -> None:
        if (support, name, reason) not in self.notes:
            self.notes.append((support, name, reason))


def compiled(statements: list[Json], within: Within, name_of_rest: str) -> Compiled:
    """The rules that ``statements`` make; those with ``name_of_rest`` as a chain are still to be compiled.

    Raises:
        Misshapen: a statement is not of the shape that nft prints.
    """
    result = Compiled()
    branches = [ALWAYS]
    for number, statement in enumerate(statements):
        what, body = only(statement, "a statement")
        if what == "match":
            branches = _product(branches, matches(mapping(body, what), within))
        elif what in _SOMETIMES:
            asked = _rates(what, body, statements[number + 1 :], within, result)
            branches = _product(branches, [asked])
        elif what == "xt" and mapping(body, what).get("type") == "match":
            branches = _product(branches, _extension(mapping(body, what)))
        elif isinstance(body, dict) and "map" in body and what in _NAMED:  # of named objects, by a key
            branches = _product(branches, _keys(body["map"], within))
        elif what in _PASSING:
            continue
        else:
            later = statements[number + 1 :]
            step = _step(what, body, later, within, result)
            several = later or len(step) > 1
            if branches != [ALWAYS] and several and any(_undermines(action, branches) for _, action in step):
                result.acts += [(branch, Jump(name_of_rest)) for branch in branches]
                result.rest = [{what: body}, *later]
                break
            result.acts += [(b & terms, action) for b in branches for terms, action in step]
            branches = _product(branches, _together(step))
    if not result.acts:
        result.acts = [(branch, Pass()) for branch in branches]
    result.acts = [(settled(terms), action) for terms, action in result.acts]
    _note_what_is_unknown(result)
    return result


def _product(branches: list[Terms], alternatives: list[Terms]) -> list[Terms]:
    return [branch & other for branch in branches for other in alternatives]


def _together(step: Acts) -> list[Terms]:
    """For which packets a statement did something, so that the next one is reached."""
    if len(step) == 1:
        return [step[0][0]]
    return list(dict.fromkeys(terms for terms, _ in step)) or [ALWAYS.also(NEVER)]


def _keys(expression: Json, within: Within) -> list[Terms]:
    """For which packets a map has a value; for others the rule ends."""
    details = mapping(expression, "a map")
    found = mapped(details.get("key"), details.get("data"), within)
    if isinstance(found, Terms):
        return [found]
    return [ALWAYS] if isinstance(found, Chance) else [terms for several, _ in found for terms in several]


def _extension(body: dict[str, Json]) -> list[Terms]:
    """A match of iptables, of which nft tells the name only; a comment is one too."""
    name = body.get("name")
    return [ALWAYS if name == "comment" else ALWAYS.also(Unknown(f"xt match {name}"))]


# --- One statement ------------------------------------------------------------------------------------------


def _step(what: str, body: Json, later: Sequence[Json], within: Within, result: Compiled) -> Acts:
    match what:
        case "accept" | "drop" | "return" | "jump" | "goto":
            return [(ALWAYS, _verdict(what, body))]
        case "reject":
            return [_reject(body)]
        case "vmap":
            return _verdict_map(mapping(body, what), within)
        case "dnat" | "snat" | "masquerade" | "redirect":
            _note_flags(what, body, result)
            return translations(what, body, within)
        case "notrack":
            return [(ALWAYS, Untrack())]
        case "mangle":
            return _mangle(mapping(body, what), within, result)
        case "set" | "map":
            return _fill(what, mapping(body, what), later, within, result)
    if what in _IGNORED:
        result.note(Support.IGNORED, what, _IGNORED[what])
        return [(ALWAYS, Pass())]
    if what in _OPAQUE:
        return [(ALWAYS, Opaque(_OPAQUE[what]))]
    result.note(Support.UNKNOWN, what, "this statement is not known")
    return [(ALWAYS, Opaque(f"the statement {what!r}, which is not known"))]


def _verdict(what: str, body: Json) -> Action:
    match what:
        case "accept":
            return Accept()
        case "drop":
            return Drop()
        case "return":
            return Return()
        case "continue":
            return Pass()
        case "jump":
            return Jump(word(mapping(body, what).get("target"), "the chain to jump to"))
        case "goto":
            return Goto(word(mapping(body, what).get("target"), "the chain to go to"))
    raise Misshapen(f"expected a verdict, found {what!r}")


def _verdict_map(body: dict[str, Json], within: Within) -> Acts:
    found = mapped(body.get("key"), body.get("data"), within)
    if isinstance(found, Terms):
        return [(found, Opaque("a verdict map of which the content is not known"))]
    if isinstance(found, Chance):
        some = possible_values(found, body.get("data"), within)
        return [
            (ALWAYS.also(Unknown(f"{found.name} is decided by chance")), _verdict(*only(value, "a verdict")))
            for value in some
        ]
    return [(terms, _verdict(*only(value, "a verdict"))) for several, value in found for terms in several]


def _reject(body: Json) -> tuple[Terms, Action]:
    kind = None if body is None else mapping(body, "reject").get("type")
    if kind == "tcp reset":  # of TCP, which nft does not print where it goes without saying
        return of_protocol(TCP), Reject(reset=True)
    families = {"icmp": frozenset({4}), "icmpv6": frozenset({6})}
    terms = Terms(families[kind]) if isinstance(kind, str) and kind in families else ALWAYS
    return terms, Reject()


def _fill(what: str, body: dict[str, Json], later: Sequence[Json], within: Within, result: Compiled) -> Acts:
    """To put an element into a set changes nothing here; the set is one whose content is not known."""
    terms = presupposed(body.get("elem")) if body.get("elem") is not None else ALWAYS
    if body.get("op") == "delete":
        terms = terms.also(Unknown(f"whether {body.get(what)} has such an element"))
    for statement in listed(body.get("stmt") or [], "the statements of an element"):
        kind, inner = only(statement, "a statement")
        if kind not in _PASSING:
            terms &= _rate(kind, inner, later, within, result)
    name = f"{body.get('op')} {body.get(what)}"
    result.note(Support.IGNORED, name, "a rule that fills a set lets all packets pass")
    return [(terms, Pass())]


def _mangle(body: dict[str, Json], within: Within, result: Compiled) -> Acts:
    key, value = body.get("key"), body.get("value")
    match key:
        case {"meta": {"key": "mark"}}:
            return marks(Of.PACKET, value, within)
        case {"ct": {"key": "mark"}}:
            return marks(Of.CONNECTION, value, within)
        case {"meta": {"key": str(name)}} if name in _HARMLESS_META:
            what = f"meta {name} set"
        case {"ct": {"key": str(name)}} if name in _HARMLESS_CT:
            what = f"ct {name} set"
        case {"payload": {"protocol": str(header), "field": str(name)}} if (header, name) in _HARMLESS_FIELDS:
            what = f"{header} {name} set"
        case {"tcp option": {"name": str(name)}}:
            what = f"tcp option {name} set"
        case {"exthdr": _} | {"ip option": _}:
            return [(ALWAYS.also(NEVER), Pass())]
        case dict():
            return [(presupposed(key), Opaque(f"{_shown_key(key)} is set"))]
        case _:
            raise Misshapen(f"expected what is set, found {shown(key)}")
    result.note(Support.IGNORED, what, "it does not change where a packet goes")
    return [(presupposed(key), Pass())]


def _shown_key(key: dict[str, Json]) -> str:
    match key:
        case {"payload": {"protocol": header, "field": name}}:
            return f"{header} {name}"
        case {"meta": {"key": name}}:
            return f"meta {name}"
        case {"ct": {"key": name}}:
            return f"ct {name}"
    return "a field of the packet"


def _rates(what: str, body: Json, later: Sequence[Json], within: Within, result: Compiled) -> Terms:
    """A limit, or a meter, which has one for each of its keys."""
    if what != "meter":
        return _rate(what, body, later, within, result)
    details = mapping(body, what)
    key, statement = details.get("key"), details.get("stmt")
    kind, inner = only(statement, "a statement")
    terms = presupposed(key) if isinstance(key, dict) else ALWAYS
    return terms & _rate(kind, inner, later, within, result)


def _rate(what: str, body: Json, later: Sequence[Json], within: Within, result: Compiled) -> Terms:
    terms, name = rate(what, body, later, within.limits)
    if not any(isinstance(one, Unknown) for one in terms.conditions):
        result.note(Support.IGNORED, name, NOT_REACHED)
    return terms


# --- What one statement does to another ---------------------------------------------------------------------


def _undermines(action: Action, branches: list[Terms]) -> bool:
    """Whether ``action`` changes something that a condition before it asked for."""
    touched: Callable[[Condition], bool]
    if isinstance(action, SetMark):
        of = action.of
        touched = lambda one: isinstance(one, Mark) and one.of is of  # noqa: E731
    elif isinstance(action, Untrack):
        touched = lambda one: isinstance(one, States | Translated | Original)  # noqa: E731
    else:
        return False
    return any(touched(one) for branch in branches for one in branch.conditions)


def _note_flags(what: str, body: Json, result: Compiled) -> None:
    flags = mapping(body, what).get("flags") if body is not None else None
    for flag in flags if isinstance(flags, list) else [flags]:
        if isinstance(flag, str) and flag != "netmap":
            result.note(Support.IGNORED, f"{what} {flag}", "which port or address is taken is not asked")


def _note_what_is_unknown(result: Compiled) -> None:
    for terms, action in result.acts:
        for condition in terms.conditions:
            _note_unknown(condition, result)
        if isinstance(action, Opaque):
            result.note(Support.WIDENED, action.reason)


def _note_unknown(condition: Condition, result: Compiled) -> None:
    match condition:
        case Unknown(reason):
            result.note(Support.WIDENED, reason)
        case _:
            for alternative in getattr(condition, "alternatives", ()):
                for one in alternative:
                    _note_unknown(one, result)
