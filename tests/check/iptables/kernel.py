"""Packets into a kernel that holds rules of iptables, and which of the rules each met.

A namespace of its own has two ends of one cable. What is sent at one end comes in at the other, where rules
in the mangle table's PREROUTING count it. Runs as a program in that namespace: rules and packets in JSON on
its input, for each packet which rules it met on its output.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE, THERE = "far0", "near0"  # packets go in at far0, and come in by near0
FRAME = bytes.fromhex("020000000002 020000000001 0800")  # to near0, from anybody, IPv4
OWN = "192.0.2.1"  # of near0, with a prefix of 24


@dataclass(frozen=True)
class Packet:
    """``ports`` of ICMP are the type and the code; ``flags`` are TCP's."""

    source: str
    destination: str
    protocol: int
    ports: tuple[int, int]
    flags: int = 2

    def octets(self) -> bytes:
        """The IPv4 packet."""
        addresses = socket.inet_aton(self.source) + socket.inet_aton(self.destination)
        body = self._body()
        if self.protocol in (6, 17):
            pseudo = addresses + struct.pack("!BBH", 0, self.protocol, len(body))
            at = 16 if self.protocol == 6 else 6
            body = body[:at] + struct.pack("!H", _checksum(pseudo + body)) + body[at + 2 :]
        elif self.protocol == 1:
            body = body[:2] + struct.pack("!H", _checksum(body)) + body[4:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, self.protocol, 0)
        return head[:10] + struct.pack("!H", _checksum(head + addresses)) + addresses + body

    def _body(self) -> bytes:
        if self.protocol == 6:
            return struct.pack("!HHIIBBHHH", *self.ports, 1, 0, 0x50, self.flags, 1024, 0, 0)
        if self.protocol == 17:
            return struct.pack("!HHHH", *self.ports, 8, 0)
        if self.protocol == 1:
            return struct.pack("!BBHHH", *self.ports, 0, 7, 1)
        return b"\0" * 8


def met(rules: list[str], packets: list[Packet], tool: str = "") -> list[list[bool]]:
    """For each packet, which of the rules it met; a rule is what stands after ``-A PREROUTING``."""
    order = json.dumps([rules, [[*vars(packet).values()] for packet in packets], tool])
    done = subprocess.run(
        ("unshare", "--net", sys.executable, __file__),
        input=order,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    found: list[list[bool]] = json.loads(done.stdout)
    return found


def _checksum(octets: bytes) -> int:
    octets += b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _run(*words: str, text: str | None = None) -> str:
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


def _counters(tool: str) -> list[int]:
    saved = _run(f"iptables-{tool}save", "-c", "-t", "mangle")
    return [int(count) for count in re.findall(r"^\[(\d+):\d+\] -A PREROUTING", saved, re.MULTILINE)][:-1]


def _main() -> None:
    rules, packets, tool = json.load(sys.stdin)
    _run("ip", "link", "add", HERE, "type", "veth", "peer", "name", THERE)
    _run("ip", "address", "add", f"{OWN}/24", "dev", THERE)
    _run("ip", "link", "set", THERE, "address", FRAME[:6].hex(":"))
    for name in ("lo", HERE, THERE):
        _run("ip", "link", "set", name, "up")
    lines = "".join(f"-A PREROUTING {rule}\n" for rule in rules)
    lines += "-A PREROUTING -j DROP\n"  # or the kernel would answer
    _run(f"iptables-{tool}restore", text=f"*mangle\n:PREROUTING ACCEPT [0:0]\n{lines}COMMIT\n")
    before = _counters(tool)
    assert len(before) == len(rules), "a rule became several"
    answers = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
        cable.bind((HERE, 0x0800))
        for source, destination, protocol, ports, flags in packets:
            packet = Packet(source, destination, protocol, tuple(ports), flags)
            cable.send(FRAME + packet.octets())
            after = _counters(tool)
            answers.append([new > old for new, old in zip(after, before, strict=True)])
            before = after
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    _main()
