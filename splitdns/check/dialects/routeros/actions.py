"""What a RouterOS rule does, as actions (help.mikrotik.com, "NAT", "Filter", "Mangle", "RAW").

A mark goes on to the next rule unless ``passthrough=no`` says that this one was the last.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from splitdns.check.dialects.routeros.rule import Reading
from splitdns.check.dialects.routeros.values import address_range, number_ranges
from splitdns.check.model import (
    Accept,
    Action,
    Drop,
    Jump,
    Masquerade,
    Netmap,
    Opaque,
    Pass,
    Redirect,
    Reject,
    Return,
    SetMark,
    Side,
    Support,
    Translate,
    Untrack,
)
from splitdns.check.sets import Numbers, Prefix, address_of
from splitdns.value import value


@value(frozen=True, slots=True)
class Done:
    """The rule's action; ``ends``: after it, no rule of its table is asked."""

    action: Action
    ends: bool = False


def action_of(rule: Reading) -> Done:
    """
    Raises:
        ConfigError: a value is not what the action takes.
    """
    reader = ACTIONS.get(rule.action)
    if reader is None:
        reason = f"action {rule.action} is not known here"
        rule.notes.append((Support.UNKNOWN, f"action {rule.action}", reason))
        return Done(Opaque(reason))
    return reader(rule)


def _always(action: Action) -> Callable[[Reading], Done]:
    return lambda _rule: Done(action)


def _passing(name: str, reason: str) -> Callable[[Reading], Done]:
    def read(rule: Reading) -> Done:
        rule.ignored(f"action {name}", reason)
        return Done(Pass())

    return read


def _opaque(name: str, reason: str) -> Callable[[Reading], Done]:
    def read(rule: Reading) -> Done:
        rule.widened(f"action {name}", reason)
        return Done(Opaque(reason))

    return read


def _reject(rule: Reading) -> Done:
    return Done(Reject(reset=rule.item.get("reject-with") == "tcp-reset"))


def _tarpit(rule: Reading) -> Done:
    rule.ignored("action tarpit", "taken for a drop: the connection seems to open, and nobody answers")
    return Done(Drop())


def _jump(rule: Reading) -> Done:
    if not rule.item.has("jump-target"):
        raise rule.wrong("jump-target", "the name of a chain")
    return Done(Jump(rule.item.get("jump-target")))


# --- Translation --------------------------------------------------------------------------------------------


def _dst_nat(rule: Reading) -> Done:
    return Done(Translate(Side.DESTINATION, _addresses(rule), _ports(rule)))


def _src_nat(rule: Reading) -> Done:
    return Done(Translate(Side.SOURCE, _addresses(rule), _ports(rule)))


def _masquerade(rule: Reading) -> Done:
    return Done(Masquerade(_ports(rule)))


def _redirect(rule: Reading) -> Done:
    return Done(Redirect(_ports(rule)))


def _netmap(rule: Reading) -> Done:
    side = Side.SOURCE if rule.item.get("chain") == "srcnat" else Side.DESTINATION
    if rule.item.get("chain") not in ("srcnat", "dstnat"):
        return _opaque("netmap", "in a chain of one's own it is not known which side it maps")(rule)
    prefix = _prefix(rule)
    if prefix is None:
        raise rule.wrong(_to_key(rule), "a prefix")
    return Done(Netmap(side, prefix))


def _to_key(rule: Reading) -> str:
    return "to-address" if rule.item.has("to-address") else "to-addresses"


def _addresses(rule: Reading) -> Numbers | None:
    """None: it stays as it is, which is how RouterOS takes a rule without them, or with 0.0.0.0."""
    key = _to_key(rule)
    if rule.item.get(key) in ("", "0.0.0.0", "::/0", "::"):
        return None
    found = address_range(rule.item.get(key), rule.around.family)
    if found is None:
        raise rule.wrong(key, f"an IPv{rule.around.family} address, range or prefix")
    return found


def _ports(rule: Reading) -> Numbers | None:
    return number_ranges(rule.item, "to-ports", 65_535) if rule.item.has("to-ports") else None


def _prefix(rule: Reading) -> Prefix | None:
    """What ``netmap`` maps to: a range must be a prefix, too."""
    family = rule.around.family
    found = address_range(rule.item.get(_to_key(rule)), family)
    if found is None or len(found.ranges) != 1:
        return None
    low, high = (address_of(family, one) for one in found.ranges[0])
    bits = low.max_prefixlen - (int(high) - int(low)).bit_length()
    prefix = ip_network(f"{low}/{bits}", strict=False)
    return prefix if (prefix[0], prefix[-1]) == (low, high) else None


# --- Marks --------------------------------------------------------------------------------------------------


def _mark(rule: Reading) -> Done:
    kind = rule.action.removeprefix("mark-")
    key = f"new-{kind}-mark"
    if not rule.item.has(key):
        raise rule.wrong(key, "a mark's name")
    of, value, mask = rule.around.marks.of(kind, rule.item.get(key))
    return Done(SetMark(of, value, mask), ends=rule.item.get("passthrough", "yes") == "no")


_LOGS = "it only logs or counts"
_HEADER = "it changes a header field that no rule here looks at"

ACTIONS: dict[str, Callable[[Reading], Done]] = {
    "accept": _always(Accept()),
    "drop": _always(Drop()),
    "return": _always(Return()),
    "reject": _reject,
    "tarpit": _tarpit,
    "jump": _jump,
    "dst-nat": _dst_nat,
    "src-nat": _src_nat,
    "same": _src_nat,
    "masquerade": _masquerade,
    "redirect": _redirect,
    "netmap": _netmap,
    "notrack": _always(Untrack()),
    "mark-connection": _mark,
    "mark-packet": _mark,
    "mark-routing": _mark,
    "passthrough": _always(Pass()),
    **{
        name: _passing(name, reason)
        for name, reason in {
            "log": _LOGS,
            "add-src-to-address-list": "what that list holds counts as unknown",
            "add-dst-to-address-list": "what that list holds counts as unknown",
            "fasttrack-connection": "later packets of the connection take the same way, faster",
            "sniff-tzsp": "a copy goes elsewhere, the packet itself goes on",
            "sniff-pc": "a copy goes elsewhere, the packet itself goes on",
            "change-mss": _HEADER,
            "change-ttl": _HEADER,
            "change-hop-limit": _HEADER,
            "change-dscp": _HEADER,
            "change-tos": _HEADER,
            "clear-df": _HEADER,
            "strip-ipv4-options": _HEADER,
            "set-priority": "it only chooses a queue",
        }.items()
    },
    **{
        name: _opaque(name, reason)
        for name, reason in {
            "route": "it chooses the way out by itself",
            "endpoint-independent-nat": "who may answer through it is not modelled",
            "socksify": "a proxy takes the connection",
        }.items()
    },
}
