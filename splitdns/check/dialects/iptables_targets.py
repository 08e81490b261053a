"""Targets of iptables as actions: what stands after ``-j`` (iptables-extensions(8), "TARGET EXTENSIONS")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError

from splitdns.check.dialects.iptables_rule import Reading
from splitdns.check.dialects.iptables_values import address_range, value_and_mask, whole_number
from splitdns.check.dialects.iptables_words import Option, Word, only_value
from splitdns.check.model import (
    Accept,
    Action,
    Drop,
    Masquerade,
    Netmap,
    Of,
    Pass,
    Redirect,
    Reject,
    Return,
    SetMark,
    Side,
    Translate,
    Untrack,
)
from splitdns.check.sets import Numbers

Options = Mapping[str, Option]
Reader = Callable[[Reading, Options], Action]

ALL_BITS = 0xFFFF_FFFF

# --- Addresses and ports to translate to --------------------------------------------------------------------

_TO = re.compile(r"(?:\[(?P<six>[^][]+)\]|(?P<four>[^][:]*))(?::(?P<ports>[0-9/-]+))?")


def _ports_of(rule: Reading, word: Word, text: str) -> tuple[Numbers, int | None]:
    """``80``, ``8000-8010``, ``8000-8010/5000``: the ports, and the port that becomes the first of them."""
    range_, slash, base = text.partition("/")
    first, dash, last = range_.partition("-")
    low = whole_number(rule.line, word, first, "a port", 65_535)
    high = whole_number(rule.line, word, last, "a port", 65_535) if dash else low
    if low > high:
        raise rule.line.wrong(word, "a range from the lower port to the higher")
    start = whole_number(rule.line, word, base, "a port", 65_535) if slash else None
    return Numbers.of((low, high)), start


def _destination(rule: Reading, option: Option) -> tuple[Numbers | None, Numbers | None, int | None]:
    """``a[-b][:p[-q][/base]]``, the addresses of IPv6 in brackets where a port follows."""
    word = only_value(rule.line, option)
    what = "ADDRESS[-ADDRESS][:PORT[-PORT]]"
    found = _TO.fullmatch(word.text)
    if rule.line.family == 6 and not word.text.startswith(("[", ":")):
        return address_range(rule.line, word, word.text), None, None
    if not found:
        raise rule.line.wrong(word, what)
    addresses = found["six"] or found["four"]
    ports, base = _ports_of(rule, word, found["ports"]) if found["ports"] else (None, None)
    if not addresses and ports is None:
        raise rule.line.wrong(word, what)
    return (address_range(rule.line, word, addresses) if addresses else None), ports, base


def _dnat(rule: Reading, options: Options) -> Action:
    option = _needed(rule, options, "--to-destination", "DNAT")
    addresses, ports, base = _destination(rule, option)
    return Translate(Side.DESTINATION, addresses, ports, base)


def _snat(rule: Reading, options: Options) -> Action:
    option = _needed(rule, options, "--to-source", "SNAT")
    addresses, ports, _ = _destination(rule, option)
    return Translate(Side.SOURCE, addresses, ports)


def _to_ports(rule: Reading, options: Options) -> tuple[Numbers | None, int | None]:
    option = options.get("--to-ports") or options.get("--to-port")
    if option is None:
        return None, None
    word = only_value(rule.line, option)
    return _ports_of(rule, word, word.text)


def _masquerade(rule: Reading, options: Options) -> Action:
    return Masquerade(_to_ports(rule, options)[0])


def _redirect(rule: Reading, options: Options) -> Action:
    return Redirect(*_to_ports(rule, options))


def _netmap(rule: Reading, options: Options) -> Action:
    """Its side is the destination's here; in a chain after routing ``read`` makes it the source's."""
    word = only_value(rule.line, _needed(rule, options, "--to", "NETMAP"))
    network = IPv4Network if rule.line.family == 4 else IPv6Network
    try:
        return Netmap(Side.DESTINATION, network(word.text, strict=False))
    except (AddressValueError, NetmaskValueError, ValueError):
        raise rule.line.wrong(word, f"an IPv{rule.line.family} network") from None


# --- What ends a packet's way -------------------------------------------------------------------------------


def _reject(rule: Reading, options: Options) -> Action:
    option = options.get("--reject-with")
    return Reject(reset=option is not None and only_value(rule.line, option).text in ("tcp-reset", "tcp-rst"))


# --- Marks --------------------------------------------------------------------------------------------------


def _set_mark(of: Of) -> Reader:
    def read(rule: Reading, options: Options) -> Action:
        for name, option in options.items():
            if name in ("--set-mark", "--set-xmark", "--and-mark", "--or-mark", "--xor-mark"):
                value, mask = value_and_mask(rule.line, only_value(rule.line, option))
                return {
                    "--set-xmark": SetMark(of, value, mask),
                    "--set-mark": SetMark(of, value, value | mask),
                    "--and-mark": SetMark(of, 0, ~value & ALL_BITS),
                    "--or-mark": SetMark(of, value, value),
                    "--xor-mark": SetMark(of, value, 0),
                }[name]
            if name in ("--save-mark", "--restore-mark"):
                return _copied(rule, of, options, saves=name == "--save-mark")
        return rule.opaque(f"target {'MARK' if of is Of.PACKET else 'CONNMARK'}", "it names no mark")

    return read


def _copied(rule: Reading, of: Of, options: Options, *, saves: bool) -> Action:
    masks = {
        value_and_mask(rule.line, only_value(rule.line, options[name]))[0] if name in options else ALL_BITS
        for name in (("--mask",) if "--mask" in options else ("--nfmask", "--ctmask"))
    }
    if len(masks) > 1 or of is Of.PACKET:
        return rule.opaque("target CONNMARK", "copying a mark with two masks is not modelled")
    packet_to_connection = (Of.CONNECTION, Of.PACKET) if saves else (Of.PACKET, Of.CONNECTION)
    to, source = packet_to_connection
    return SetMark(to, mask=masks.pop(), copy_from=source)


# --- Tracking -----------------------------------------------------------------------------------------------


def _ct(rule: Reading, options: Options) -> Action:
    if "--notrack" in options:
        return Untrack()
    if any(name.startswith("--zone") for name in options):
        return rule.opaque("target CT", "zones of connection tracking are not modelled")
    return _passing("CT", "it only chooses a helper, time-outs or events")(rule, options)


# --- All of them --------------------------------------------------------------------------------------------


def _always(action: Action) -> Reader:
    def read(rule: Reading, options: Options) -> Action:
        return action

    return read


def _passing(name: str, reason: str) -> Reader:
    def read(rule: Reading, options: Options) -> Action:
        rule.ignored(f"target {name}", reason)
        return Pass()

    return read


def _opaque(name: str, reason: str) -> Reader:
    def read(rule: Reading, options: Options) -> Action:
        return rule.opaque(f"target {name}", reason)

    return read


_LOGS = "it only logs"
_HEADER = "it changes a header field that no rule here looks at"

TARGETS: dict[str, Reader] = {
    "ACCEPT": _always(Accept()),
    "DROP": _always(Drop()),
    "RETURN": _always(Return()),
    "REJECT": _reject,
    "DNAT": _dnat,
    "SNAT": _snat,
    "MASQUERADE": _masquerade,
    "REDIRECT": _redirect,
    "NETMAP": _netmap,
    "MARK": _set_mark(Of.PACKET),
    "CONNMARK": _set_mark(Of.CONNECTION),
    "CT": _ct,
    "NOTRACK": _always(Untrack()),
    **{
        name: _passing(name, reason)
        for name, reason in {
            "LOG": _LOGS,
            "NFLOG": _LOGS,
            "ULOG": _LOGS,
            "AUDIT": _LOGS,
            "TRACE": _LOGS,
            "LED": "it only lights a lamp",
            "IDLETIMER": "it only starts a timer",
            "RATEEST": "it only measures",
            "SET": "it changes a set; what that set holds counts as unknown",
            "TEE": "a copy goes elsewhere, the packet itself goes on",
            "TCPMSS": _HEADER,
            "TCPOPTSTRIP": _HEADER,
            "TTL": _HEADER,
            "HL": _HEADER,
            "DSCP": _HEADER,
            "TOS": _HEADER,
            "ECN": _HEADER,
            "CHECKSUM": "it only mends a checksum",
            "CLASSIFY": "it only chooses a queue",
            "SECMARK": "it only labels for SELinux",
            "CONNSECMARK": "it only labels for SELinux",
            "FLOWOFFLOAD": "later packets of the connection take the same way, faster",
        }.items()
    },
    **{
        name: _opaque(name, reason)
        for name, reason in {
            "TPROXY": "a program here takes the connection",
            "NFQUEUE": "a program decides",
            "QUEUE": "a program decides",
            "SYNPROXY": "the gateway answers for the server",
            "TARPIT": "the gateway answers for the server",
            "CLUSTERIP": "which node answers is not modelled",
            "HMARK": "which mark it sets is not modelled",
            "SNPT": "it rewrites addresses without connections",
            "DNPT": "it rewrites addresses without connections",
            "RAWDNAT": "it rewrites addresses without connections",
            "RAWSNAT": "it rewrites addresses without connections",
            "SAME": "which address it takes is not modelled",
            "MIRROR": "it sends the packet back",
            "ROUTE": "it chooses the way out by itself",
        }.items()
    },
}


def action_of(rule: Reading, target: Word, options: Sequence[Option]) -> Action:
    """What ``-j target`` with its options does; one that is not known may do anything.

    Raises:
        ConfigError: a value is not what the option takes.
    """
    reader = TARGETS.get(target.text)
    if reader is None:
        return rule.unseen_target(target.text)
    by_name = {option.name: option for option in options}
    if len(by_name) < len(options):  # several --to-destination, before Linux 2.6.11
        return rule.opaque(f"target {target.text}", "an option that is given several times is not modelled")
    return reader(rule, by_name)


def by_port(action: Action, asked: Numbers, options: Sequence[Option]) -> list[tuple[Numbers, Action]]:
    """The action for each part of the ports ``asked`` for.

    Of a range of ports to translate the destination to, the kernel takes the packet's own where that is in
    it, and else the first (nf_nat_l4proto_unique_tuple; before Linux 5.0, any). --random makes it chance.
    """
    ports = action.ports if isinstance(action, Translate | Redirect) else None
    is_destination = isinstance(action, Redirect) or (
        isinstance(action, Translate) and action.side is Side.DESTINATION
    )
    is_random = any(option.name in ("--random", "--random-fully") for option in options)
    if not is_destination or ports is None or ports.single is not None or is_random:
        return [(asked, action)]
    assert isinstance(action, Translate | Redirect)
    if action.base is not None:
        return [(asked, action)]
    parts = [
        (asked & ports, replace(action, ports=None)),
        (asked - ports, replace(action, ports=Numbers.one(ports.first))),
    ]
    return [(part, one) for part, one in parts if part]


def _needed(rule: Reading, options: Options, name: str, target: str) -> Option:
    if name not in options:
        end = Word("", len(rule.line.text) + 1)
        raise rule.line.wrong(end, f"{name} after {target}", "the end of the line")
    return options[name]
