"""What rules do, one after the other, against real packets: marks, jumps, returns, verdicts.

A chain of rules runs in prerouting; a later chain counts which mark a packet has then, if it comes so far.
The same chain as read is run by the plainest interpreter there can be.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from splitdns.check.dialects.nftables import read
from splitdns.check.rules import Accept, Chain, Drop, Goto, Jump, Of, Return, SetMark
from tests.check.nftables.packets import Packet, matches
from tests.meta.tree import ROOT

CHAINS = """
chain other {
    tcp dport 23 return
    meta mark set meta mark xor 1
    tcp dport 24 drop
}
chain further {
    meta mark set meta mark or 8
}
chain loop {
    tcp dport 25 goto further
    meta mark set meta mark or 0x20
}
chain c {
    type filter hook prerouting priority 0
    meta mark 0 meta mark set 2 tcp dport 80 ct mark set 4
    meta mark 2 meta mark set 6 meta mark 6 tcp dport { 80, 81 } meta mark set 7 accept
    tcp dport vmap { 22-24 : jump other, 25 : jump loop, 26 : goto further, 27 : return, 28 : accept }
    meta mark set tcp dport map { 22 : 0x11, 29 : 0x12 } meta mark 0x11 accept
    ct mark 0 ct mark set meta mark or 0x80
    meta mark set ct mark and 0xf0 meta mark set meta mark xor 0x3
    udp dport 53 meta mark set 0x44 drop
    udp dport 54 meta mark set meta mark and 0xfe
    meta mark set meta mark and 0xf7 or 0x10 ip saddr 10.0.0.2 accept
    ip daddr . tcp dport { 10.0.0.254 . 30, 10.0.0.254 . 31 } meta mark set 0x61 drop
    meta l4proto vmap { udp : jump other, tcp : jump further }
    meta mark set meta mark or 0x100
}
"""
BITS = [1 << bit for bit in range(10)]
COUNTERS = ('counter comment "0"', *(f'meta mark & {bit} != 0 counter comment "{bit}"' for bit in BITS))
SEEN = "\n".join(COUNTERS)
RULESET = f"table inet t {{{CHAINS}\nchain seen {{\ntype filter hook prerouting priority 10\n{SEEN}\n}}\n}}\n"
PACKETS = [
    *(
        Packet(source, "10.0.0.254", 6, destination_port=port)
        for port in range(20, 32)
        for source in ("10.0.0.1", "10.0.0.2")
    ),
    *(Packet("10.0.0.1", "10.0.0.254", 6, destination_port=port) for port in (80, 81, 82)),
    *(Packet("10.0.0.1", "10.0.0.254", 17, destination_port=port) for port in (53, 54, 55)),
    Packet("2001:db8::5", "2001:db8::fe", 6, destination_port=22),
]


class Decided(Exception):  # noqa: N818
    """A rule accepted or dropped the packet."""


class Run:
    """One packet through chains of the model."""

    def __init__(self, chains: dict[str, Chain], packet: Packet) -> None:
        self.chains, self.packet = chains, packet
        self.dropped = False

    def through(self, name: str) -> None:
        for rule in self.chains[name].rules:
            held = matches(rule, self.packet)
            assert held is not None
            if not held:
                continue
            match rule.action:
                case Accept() | Drop() as verdict:
                    self.dropped = isinstance(verdict, Drop)
                    raise Decided
                case Return():
                    return
                case Jump(chain):
                    self.through(chain)
                case Goto(chain):
                    self.through(chain)
                    return
                case SetMark() as action:
                    self._set(action)

    def _set(self, action: SetMark) -> None:
        marks = {Of.PACKET: self.packet.mark, Of.CONNECTION: self.packet.connection_mark}
        by = action.value if action.copy_from is None else marks[action.copy_from] & action.mask
        marks[action.of] = (marks[action.of] & ~action.mask) ^ by
        self.packet = replace(self.packet, mark=marks[Of.PACKET], connection_mark=marks[Of.CONNECTION])


def expected(chains: dict[str, Chain], packet: Packet) -> int | None:
    """The mark afterwards; None: dropped."""
    run = Run(chains, packet)
    try:
        run.through("c")
    except Decided:
        if run.dropped:
            return None
    return run.packet.mark


@pytest.mark.root
@pytest.mark.needs("nft", "unshare", "ip", "sysctl")
def test_rules_do_to_marks_and_packets_what_the_kernel_does(tmp_path: Path) -> None:
    path = tmp_path / "rules.nft"
    path.write_text(RULESET)
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
    chains = {one.name: one for one in read(said["listing"], "f").chains if one.table == "nft inet t"}
    bit_of = {rule.origin.handle: int(rule.origin.text.split('"')[-2]) for rule in chains["seen"].rules}
    seen = [sum(bit_of[one] for one in matched) if matched else None for matched in said["matched"]]
    assert seen == [expected(chains, packet) for packet in PACKETS]
    assert len(set(seen)) > 8
    assert None in seen
