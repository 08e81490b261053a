"""Dialects that rules are written in: their files, and how what is printed gets into them.

A dialect is added by its files and one entry here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.check.everywhere.dialects import IPROUTE

# What the gateway's files say, by their dialect.
Texts = dict[str, str]


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
    exported: Callable[[Texts], Texts] = dict
    tools: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)


def _in_namespace(script: str, *texts: str) -> str:
    """What a shell prints in a network namespace of its own; ``texts`` are its arguments."""
    argv = ("unshare", "--net", "sh", "-euc", script, "sh", *texts)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _in_nft(texts: Texts, lines: Sequence[str]) -> Texts:
    script = 'printf %s "$1" | nft -f -; eval "$2"; nft list ruleset'
    return texts | {"nftables": _in_namespace(script, texts["nftables"], "\n".join(lines))}


def _listed_by_nft(texts: Texts) -> Texts:
    script = 'printf %s "$1" | nft -f -; nft -j -a list ruleset'
    return texts | {"nftables": _in_namespace(script, texts["nftables"])}


def _in_iptables(texts: Texts, lines: Sequence[str]) -> Texts:
    script = 'printf %s "$1" | iptables-restore; eval "$2"; iptables-save'
    saved = _in_namespace(script, texts["iptables"], "\n".join(lines))
    rules = [line for line in saved.splitlines() if not line.startswith("#")]  # comments tell the time
    return texts | {"iptables": "".join(f"{line}\n" for line in rules)}


_IPROUTE = tuple((dialect, f"../everywhere/{path}") for dialect, path in IPROUTE)

DIALECTS: dict[str, Mended] = {
    "nftables": Mended(
        (("nftables", "nftables/{name}.nft"), *_IPROUTE), _in_nft, _listed_by_nft, ("nft", "unshare")
    ),
    "iptables": Mended(
        (("iptables", "iptables/{name}.rules"), *_IPROUTE), _in_iptables, tools=("iptables", "unshare")
    ),
}
