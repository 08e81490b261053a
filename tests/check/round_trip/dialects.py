"""Dialects that rules are written in: their files, and how what is printed gets into them.

A dialect is added by its files and one entry here.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from splitdns.check.dialects.vyos.tree import parse
from splitdns.check.fetch import Text
from tests.check.everywhere.dialects import BSD, IPROUTE
from tests.check.openwrt import uci
from tests.check.round_trip import conf, edge, webui
from tests.check.vyos.configurations import leaves, provisioned

# What the gateway's files say, in the order of its sources.
Texts = tuple[Text, ...]


@dataclass(frozen=True)
class Mended:
    """How a dialect goes round.

    ``sources``: the dialect of each file, and its path here; in it, ``{name}`` is the fault's, and
    ``{shape}`` that of its network. ``apply`` puts lines that are printed into what the files say, and
    with none changes nothing. ``exported``: what the check reads, where that is not the files as they
    stand. ``tools``: what ``apply`` runs, as root; none: it works on texts alone. ``cannot``: faults that
    such a gateway cannot have, by name, and those that its writer does not cure, with the reason.
    """

    sources: tuple[tuple[str, str], ...]
    apply: Callable[[Texts, Sequence[str]], Texts]
    exported: Callable[[Texts], Texts] = tuple
    tools: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)


def _in_namespace(script: str, *texts: str) -> str:
    """What a shell prints in a network namespace of its own; ``texts`` are its arguments."""
    argv = ("unshare", "--net", "sh", "-euc", script, "sh", *texts)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def changed(texts: Texts, dialect: str, change: Callable[[str], str]) -> Texts:
    """``texts``, with those of ``dialect`` changed."""
    return tuple(replace(one, text=change(one.text)) if one.dialect == dialect else one for one in texts)


def _in_nft(texts: Texts, lines: Sequence[str]) -> Texts:
    script = 'printf %s "$1" | nft -f -; eval "$2"; nft list ruleset'
    return changed(texts, "nftables", lambda text: _in_namespace(script, text, "\n".join(lines)))


def _listed_by_nft(texts: Texts) -> Texts:
    script = 'printf %s "$1" | nft -f -; nft -j -a list ruleset'
    return changed(texts, "nftables", lambda text: _in_namespace(script, text))


def _in_iptables(texts: Texts, lines: Sequence[str]) -> Texts:
    script = 'printf %s "$1" | iptables-restore; eval "$2"; iptables-save'

    def saved(text: str) -> str:
        rules = _in_namespace(script, text, "\n".join(lines)).splitlines()
        return "".join(f"{line}\n" for line in rules if not line.startswith("#"))  # comments tell the time

    return changed(texts, "iptables", saved)


def _in_routeros(texts: Texts, lines: Sequence[str]) -> Texts:
    """As the device would: rules get before the others of their menu, or are found by comment and removed."""

    def edited(text: str) -> str:
        for line in lines:
            command = re.fullmatch(r"(/\S+ firewall \S+) (add|remove) (.+)", line)
            assert command, line
            menu, verb, words = command.groups()
            head, rules, *more = re.split(rf"(?m)^({re.escape(menu)}\n)", text)
            before = head + rules
            (after,) = more
            if verb == "add" and menu.endswith(" address-list"):
                text = f"{before}add {words}\n{after}"
                continue
            if verb == "add":
                rule = re.fullmatch(r"(chain=.+) place-before=0", words)
                assert rule, line
                text = f"{before}add {rule[1]}\n{after}"
                continue
            comment = re.fullmatch(r"\[find (comment=\w+)\]", words)
            assert comment
            rest = re.search(r"(?m)^/|\Z", after)
            assert rest
            kept = (one for one in after[: rest.start()].splitlines(True) if comment[1] not in one.split())
            text = before + "".join(kept) + after[rest.start() :]
        return text

    return changed(texts, "routeros", edited)


def _in_session(dialect: str) -> Callable[[Texts, Sequence[str]], Texts]:
    """In a session of configuration mode: what is there as commands, and then what is printed."""

    def session(text: str, lines: Sequence[str]) -> str:
        tree = parse("\n".join([*leaves(parse(text, dialect)), *lines]), dialect)
        return "".join(f"{line}\n" for line in sorted(leaves(tree)))

    return lambda texts, lines: changed(texts, dialect, lambda text: session(text, lines))


def _in_usg(texts: Texts, lines: Sequence[str]) -> Texts:
    """As the controller provisions a USG: its config.gateway.json is merged into what the device has."""
    return changed(texts, "unifi", lambda text: provisioned(text, lines))


_IPROUTE = tuple((dialect, f"../everywhere/{path}") for dialect, path in IPROUTE)
_BSD = tuple((dialect, f"../everywhere/{path}") for dialect, path in BSD)

def _in_pfsense(texts: Texts, lines: Sequence[str]) -> Texts:
    return changed(texts, "pfsense", lambda text: webui.edited(text, lines))


def _in_opnsense(texts: Texts, lines: Sequence[str]) -> Texts:
    return changed(texts, "opnsense", lambda text: webui.edited(text, lines))


def _in_pf(texts: Texts, lines: Sequence[str]) -> Texts:
    return changed(texts, "pf", lambda text: conf.edited(text, lines))


def _in_uci(texts: Texts, lines: Sequence[str]) -> Texts:
    return changed(texts, "openwrt", lambda text: uci.run(text, lines))


_STATEFUL = {"FWD-FILTERED-REPLIES": "pf keeps a state for all that it lets in: replies pass"}

def _in_nsx(texts: Texts, lines: Sequence[str]) -> Texts:
    return changed(texts, "nsx", lambda text: edge.edited(text, lines))


DIALECTS: dict[str, Mended] = {
    "pfsense": Mended((("pfsense", "pfsense/{name}.xml"),), _in_pfsense, cannot=_STATEFUL),
    "opnsense": Mended((("opnsense", "opnsense/{name}.xml"),), _in_opnsense, cannot=_STATEFUL),
    "nftables": Mended(
        (("nftables", "nftables/{name}.nft"), *_IPROUTE), _in_nft, _listed_by_nft, ("nft", "unshare")
    ),
    "iptables": Mended(
        (("iptables", "iptables/{name}.rules"), *_IPROUTE), _in_iptables, tools=("iptables", "unshare")
    ),
    "openwrt": Mended(
        (("openwrt", "openwrt/{name}.uci"),),
        _in_uci,
        cannot={"FWD-FILTERED-REPLIES": "fw4 admits replies before any rule of a person's"},
    ),
    "routeros": Mended((("routeros", "routeros/{name}.rsc"),), _in_routeros),
    "nsx": Mended(
        (("nsx", "nsx/{name}.xml"),),
        _in_nsx,
        cannot={
            "FWD-FILTERED-REPLIES": "an edge keeps state: replies pass wherever its firewall is on",
            "RED53-LOOP": "an edge cannot leave packets alone; the rule itself must name other sources",
        },
    ),
    "vyos": Mended((("vyos", "vyos/{name}.txt"),), _in_session("vyos")),
    "edgeos": Mended((("edgeos", "edgeos/{name}.boot"),), _in_session("edgeos")),
    "unifi": Mended((("unifi", "unifi/{name}.json"),), _in_usg),
    "pf-openbsd": Mended((("pf", "pf-openbsd/{name}.conf"), *_BSD), _in_pf, cannot=_STATEFUL),
    "pf-freebsd": Mended((("pf", "pf-freebsd/{name}.conf"), *_BSD), _in_pf, cannot=_STATEFUL),
}
