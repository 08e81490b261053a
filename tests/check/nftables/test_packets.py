"""Rules of the table against real packets: what the reader says of a condition is what the kernel counts.

Each rule that asks something stands in prerouting with a counter instead of its verdict. Packets of many
kinds come in, and a rule must have counted exactly those of which its conditions, as read, hold.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from splitdns.check.dialects.nftables import read
from splitdns.check.rules import Rule
from tests.check.nftables.cases import cases
from tests.check.nftables.kernel import listed
from tests.check.nftables.packets import Packet, matches
from tests.meta.tree import ROOT

_VERDICT = re.compile(r" (accept|drop)$")
# What changes packets for others, or depends on how many there were.
_CHANGES = re.compile(r" set |^(notrack|add|update|delete|meter|tcp dport .* tproxy|limit|quota|ct count) ")
ASKING = [
    case
    for case in cases()
    if case.family == "inet" and _VERDICT.search(case.rule) and not _CHANGES.search(case.rule)
]

BASE = "type filter hook prerouting priority 0"
SOURCES = ("10.0.0.1", "10.0.0.2", "10.0.1.5", "192.168.1.1", "198.51.100.7")
PACKETS = [
    *(
        Packet(source, "10.0.0.254", 6, destination_port=port)
        for source, port in product(SOURCES, (22, 80, 443, 85))
    ),
    *(
        Packet("10.0.0.1", to, 6, destination_port=80)
        for to in ("10.0.2.3", "10.0.0.1", "192.0.2.2", "203.0.113.9")
    ),
    *(
        Packet("10.0.0.1", "203.0.113.9", 6, destination_port=port)
        for port in (0, 79, 81, 1023, 1024, 7936, 65_535)
    ),
    *(Packet("10.0.0.1", "203.0.113.9", 6, 500, 80, flags) for flags in (0, 1, 2, 3, 4, 16, 18, 24, 17, 255)),
    *(Packet("10.0.0.1", "10.0.0.254", protocol, destination_port=53) for protocol in (17, 136, 132, 33)),
    *(Packet("10.0.0.1", "10.0.0.254", protocol, destination_port=80) for protocol in (17, 132, 47, 50, 2)),
    *(Packet("10.0.0.1", "10.0.0.254", 1, kind=kind) for kind in (8, 13, 3, 5)),
    *(
        Packet("10.0.0.1", to, 17, destination_port=53)
        for to in ("10.255.255.255", "224.0.0.1", "255.255.255.255")
    ),
    *(Packet("2001:db8::5", "2001:db8::fe", 6, destination_port=port) for port in (22, 80, 443)),
    *(Packet("2001:db9::5", "2001:db8::1", 17, destination_port=port) for port in (53, 80)),
    *(Packet("2001:db8::5", "2001:db8:2::2", 58, kind=kind) for kind in (128, 1, 135)),
]


@pytest.mark.root
@pytest.mark.needs("nft", "unshare", "ip", "sysctl")
def test_a_rule_counts_the_packets_of_which_its_conditions_hold(tmp_path: Path) -> None:
    rules = [_VERDICT.sub(" counter", case.rule) for case in ASKING]
    _, refused = listed([case.ruleset(f"t{number}", BASE) for number, case in enumerate(ASKING)], tmp_path)
    kept = [number for number in range(len(ASKING)) if number not in refused]
    defined = dict.fromkeys(text for number in kept for text in ASKING[number].defined)
    chain = "\n".join((BASE, *(rules[number] for number in kept)))
    path = tmp_path / "asking.nft"
    lines = ("table inet t {", *defined, "chain other {\n}", f"chain c {{\n{chain}\n}}", "}")
    path.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.check.nftables.inject", str(path)],
        input=json.dumps([packet.octets.hex() for packet in PACKETS]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    several: dict[int | None, list[Rule]] = {}
    chains = {one.table: one for one in read(said["listing"], "nft.json").chains if one.name == "c"}
    for rule in chains["nft inet t"].rules:
        several.setdefault(rule.origin.handle, []).append(rule)
    assert len(several) == len(kept) > 150
    wrong, verdicts = [], Counter[bool | None]()
    for packet, matched in zip(PACKETS, said["matched"], strict=True):
        for handle, made in several.items():
            found = [matches(rule, packet) for rule in made]
            expected = True if True in found else None if None in found else False
            verdicts[expected] += 1
            if expected is not None and expected is not (handle in matched):
                wrong.append(f"{made[0].origin.text}: {packet}: read as {expected}")
    assert wrong == []
    # A rule that never counts, or always, or of which nothing is known, would show nothing.
    assert verdicts[True] > 500
    assert verdicts[None] < verdicts.total() / 3
