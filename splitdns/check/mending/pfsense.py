"""Changes as steps in pfSense's web interface, and as the pieces of ``config.xml`` that they make.

Each step is a line that a person follows, ``# menu › field: value``. Behind the steps stand the same rules as
XML, a line each, with the sections that they belong to around them: each is the first of its section. Every
rule bears its own description, by which it is found again and deleted.

What is sent to a public address is forwarded on the WAN and, by pure NAT reflection, on every interface that
has no gateway. Outbound NAT needs to be *hybrid* for rules of one's own to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from splitdns.check.changes import (
    Admit,
    AdmitReplies,
    Change,
    Forward,
    Hairpin,
    RedirectDns,
    SpareDns,
)
from splitdns.check.mending.spelling import ports_of, prefixes_of
from splitdns.check.sets import Address, Numbers, numbers_of
from splitdns.check.traffic import DNS_PORT
from splitdns.value import value

NAME = "splitdns"
UPLINK = "wan"
_APPLY = "# Save, and Apply Changes"
_OF_TUNNELS = {"ovpns": "openvpn", "ovpnc": "openvpn", "tun_wg": "WireGuard", "wg": "wireguard"}


@value(frozen=True, slots=True)
class Words:
    """What two web interfaces call the same things.

    ``backup``: where a configuration is given back. ``reflection``: what pure NAT is called. ``in_filter``,
    ``in_outbound``: what every rule there says besides.
    """

    forwards: str
    outbound: str
    rules: str
    backup: str
    reflection: str
    in_filter: str
    in_outbound: str


PFSENSE = Words(
    "Firewall › NAT › Port Forward",
    "Firewall › NAT › Outbound",
    "Firewall › Rules",
    "Diagnostics › Backup & Restore",
    "Pure NAT",
    "<statetype>keep state</statetype>",
    "",
)


@value(frozen=True, slots=True)
class Step:
    """``do`` and ``undo`` for a person; ``piece`` is the same as XML, in its sections."""

    do: str
    undo: str
    piece: str = ""


def written(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """Steps that make the changes, and those that undo them."""
    return in_words(changes, PFSENSE)


def in_words(changes: Sequence[Change], words: Words) -> tuple[list[str], list[str]]:
    """Steps in the web interface that speaks ``words``: lines that begin with ``# ``, and pieces of XML."""
    steps = list(dict.fromkeys(step for change in changes for step in _steps(change, words)))
    if not steps:
        return [], []
    pieces = [step.piece for step in steps if step.piece]
    do = [f"# {step.do}" for step in steps]
    undo = [f"# {step.undo}" for step in reversed(steps)]
    if pieces:
        head = f"# the same in config.xml ({words.backup}), each the first of its section:"
        do += [_APPLY, head, *pieces]
        undo.append(_APPLY)
    return do, undo


def _steps(change: Change, words: Words) -> Iterator[Step]:
    match change:
        case Forward():
            yield _forward(change, words)
        case Hairpin():
            yield from _hairpin(change, words)
        case Admit():
            yield _admit(change, words)
        case AdmitReplies():
            yield Step(
                "replies to what was let in pass by its state: there is nothing to set",
                "replies to what was let in pass by its state: there is nothing to take back",
            )
        case RedirectDns():
            yield from _redirect(change, words)
        case SpareDns():
            yield _spare(change, words)


# --- Port forwards ------------------------------------------------------------------------------------------


def _forward(change: Forward, words: Words) -> Step:
    port = ports_of(change.port)
    descr = f"{NAME}: {port}/{change.protocol} at {change.address} to {change.to}"
    fields = {
        "Interface": UPLINK.upper(),
        "Address Family": _FAMILIES[change.address.version],
        "Protocol": change.protocol.upper(),
        "Destination": str(change.address),
        "Destination port range": port,
        "Redirect target IP": str(change.to),
        "Redirect target port": str(change.to_port[0]),
        "NAT reflection": words.reflection,
        "Filter rule association": "None",
    }
    piece = _rule(
        f"<source><any>1</any></source>{_to(change.address, port)}",
        _of(change.address.version, change.protocol),
        f"<target>{change.to}</target><local-port>{change.to_port[0]}</local-port>",
        f"<interface>{UPLINK}</interface><natreflection>purenat</natreflection>",
        descr=descr,
    )
    return _step(words.forwards, fields, descr, f"<nat>{piece}</nat>")


def _redirect(change: RedirectDns, words: Words) -> Iterator[Step]:
    """One rule for each network of the clients; last, and so on top, an exception for the resolver itself."""
    resolver = change.resolver
    clients = change.clients
    if _is_within(resolver, clients):
        clients |= numbers_of(resolver)
    for prefix in prefixes_of(resolver.version, clients):
        descr = f"{NAME}: DNS of {prefix} over {change.protocol} to {resolver}"
        fields = {
            "Interface": _shown(change.interface),
            "Address Family": _FAMILIES[resolver.version],
            "Protocol": change.protocol.upper(),
            "Source": prefix,
            "Destination": f"{resolver}, with Invert match",
            "Destination port range": str(DNS_PORT),
            "Redirect target IP": str(resolver),
            "Redirect target port": str(DNS_PORT),
            "NAT reflection": "Disable",
            "Filter rule association": "None",
        }
        piece = _rule(
            f"<source><address>{prefix}</address></source>{_to(resolver, str(DNS_PORT), negated=True)}",
            _of(resolver.version, change.protocol),
            f"<target>{resolver}</target><local-port>{DNS_PORT}</local-port>",
            f"<interface>{_key(change.interface)}</interface><natreflection>disable</natreflection>",
            descr=descr,
        )
        yield _step(words.forwards, fields, descr, f"<nat>{piece}</nat>")
    if int(resolver) in clients:
        yield _exception(change.interface, resolver, change.protocol, words)


def _is_within(resolver: Address, clients: Numbers) -> bool:
    """Whether the networks of ``clients`` are fewer with ``resolver`` among them."""
    family = resolver.version
    return len(prefixes_of(family, clients | numbers_of(resolver))) < len(prefixes_of(family, clients))


def _spare(change: SpareDns, words: Words) -> Step:
    return _exception(change.chain.removeprefix("rdr "), change.resolver, change.protocol, words)


def _exception(interface: str, resolver: Address, protocol: str, words: Words) -> Step:
    descr = f"{NAME}: {protocol} DNS of {resolver} itself on {interface} is left alone"
    fields = {
        "No RDR (NOT)": "checked",
        "Interface": _shown(interface),
        "Address Family": _FAMILIES[resolver.version],
        "Protocol": protocol.upper(),
        "Source": str(resolver),
        "Destination": "any",
        "Destination port range": str(DNS_PORT),
    }
    piece = _rule(
        f"<nordr>1</nordr><source><address>{resolver}</address></source>"
        f"<destination><any>1</any><port>{DNS_PORT}</port></destination>",
        _of(resolver.version, protocol),
        f"<interface>{_key(interface)}</interface><natreflection>disable</natreflection>",
        descr=descr,
    )
    return _step(words.forwards, fields, descr, f"<nat>{piece}</nat>")


# --- Outbound NAT -------------------------------------------------------------------------------------------


def _hairpin(change: Hairpin, words: Words) -> Iterator[Step]:
    port = ports_of(change.to_port)
    interface = change.interface or "lan"
    for prefix in prefixes_of(change.family, change.clients):
        descr = f"{NAME}: {prefix} to {change.to} {port}/{change.protocol} as the gateway"
        fields = {
            "Mode (for all, once)": "Hybrid, if it was Automatic",
            "Interface": _shown(interface),
            "Address Family": _FAMILIES[change.family],
            "Protocol": change.protocol.upper(),
            "Source": prefix,
            "Destination": str(change.to),
            "Destination port": port,
            "Translation address": "Interface address",
        }
        piece = _rule(
            f"<source><network>{prefix}</network></source>",
            f"<destination><address>{change.to}</address></destination><dstport>{port}</dstport>",
            _of(change.family, change.protocol),
            f"<interface>{_key(interface)}</interface>{words.in_outbound}",
            descr=descr,
        )
        yield _step(words.outbound, fields, descr, f"<nat><outbound>{piece}</outbound></nat>")


# --- The filter ---------------------------------------------------------------------------------------------


def _admit(change: Admit, words: Words) -> Step:
    """In the tab of the interface that drops it; a floating rule where floating ones drop it."""
    where, _, key = change.chain.rpartition(" ")
    if where == "auto":
        return Step(
            f"Interfaces › {_shown(key)}: Block private networks: off, for these are clients of yours",
            f"Interfaces › {_shown(key)}: Block private networks: on",
        )
    name = _key(key)
    port = ports_of(change.to_port)
    descr = f"{NAME}: {port}/{change.protocol} to {change.to} by {name}"
    fields = {
        "Action": "Pass",
        "Interface": _shown(key),
        "Address Family": _FAMILIES[change.to.version],
        "Protocol": change.protocol.upper(),
        "Source": "any",
        "Destination": str(change.to),
        "Destination port range": port,
    }
    floating = ""
    menu = f"{words.rules} › {_shown(key)}"
    if where == "floating":
        fields = {"Quick": "checked", "Direction": "in", **fields}
        floating = "<floating>yes</floating><direction>in</direction><quick>yes</quick>"
        menu = f"{words.rules} › Floating"
    piece = _rule(
        f"<type>pass</type><interface>{name}</interface>{_of(change.to.version, change.protocol)}",
        f"<source><any>1</any></source>{_to(change.to, port)}{floating or words.in_filter}",
        descr=descr,
    )
    return _step(menu, fields, descr, f"<filter>{piece}</filter>")


# --- Words --------------------------------------------------------------------------------------------------

_FAMILIES = {4: "IPv4", 6: "IPv6"}
_INET = {4: "inet", 6: "inet6"}


def _step(menu: str, fields: dict[str, str], descr: str, piece: str) -> Step:
    told = "; ".join(f"{name}: {value}" for name, value in {**fields, "Description": descr}.items())
    return Step(f"{menu} › Add, to the top: {told}", f'{menu}: delete the rule "{descr}"', piece)


def _rule(*parts: str, descr: str) -> str:
    return f"<rule>{''.join(parts)}<descr>{escape(descr)}</descr></rule>"


def _of(family: int, protocol: str) -> str:
    return f"<ipprotocol>{_INET[family]}</ipprotocol><protocol>{protocol}</protocol>"


def _to(address: Address, port: str, *, negated: bool = False) -> str:
    inverted = "<not>1</not>" if negated else ""
    return f"<destination>{inverted}<address>{address}</address><port>{port}</port></destination>"


def _key(interface: str) -> str:
    """What rules call an interface: a tunnel without a name of its own goes by its kind."""
    for begin, group in _OF_TUNNELS.items():
        if interface.startswith(begin):
            return group
    return interface


def _shown(interface: str) -> str:
    """What tabs call it; optional interfaces may have been given other names."""
    key = _key(interface)
    return f"{key} (by its own name)" if key.startswith("opt") else key if key != interface else key.upper()
