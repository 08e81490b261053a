"""Run in a network namespace of its own: packets come in by a link, and counters tell which rules matched.

The namespace is a gateway with the links ``lan`` and ``wan``, whose other ends are in the same namespace: a
frame that is written to ``lan-end`` arrives at ``lan``, from whatever address it claims.

    unshare --net python -m tests.check.nftables.inject RULES < PACKETS

``RULES`` is a ruleset of one table. ``PACKETS`` is JSON: for each packet its octets from the IP header on, in
hexadecimal. What is printed is JSON: the ruleset as listed at first, and for each packet the handles of the
rules that counted it.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

SENDER = bytes.fromhex("020000000009")
SETUP = """
ip link set lo up
ip link add lan type veth peer name lan-end
ip link add wan type veth peer name wan-end
ip address add 10.0.0.254/8 dev lan
ip address add 2001:db8::fe/64 dev lan nodad
ip address add 192.0.2.2/24 dev wan
ip address add 2001:db8:2::2/64 dev wan nodad
for link in lan lan-end wan wan-end; do ip link set $link up; done
ip route add default via 192.0.2.1
ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev wan nud permanent
ip route add default via 2001:db8:2::1
ip neighbour add 2001:db8:2::1 lladdr 02:00:00:00:00:01 dev wan nud permanent
for name in ipv4.ip_forward=1 ipv6.conf.all.forwarding=1 ipv4.conf.all.rp_filter=0 ipv4.conf.lan.rp_filter=0
do sysctl -qw net.$name; done
sysctl -qw net.netfilter.nf_conntrack_checksum=0
# Only what is sent here counts: nothing of the links' own (neighbours, groups, routers).
nft 'add table inet early'
nft 'add chain inet early c { type filter hook prerouting priority -450; }'
nft 'add rule inet early c iifname != lan drop'
nft 'add rule inet early c ether saddr != 02:00:00:00:00:09 drop'
"""


def counted(listing: dict[str, Any]) -> dict[int, int]:
    """By handle, how many packets a rule counted."""
    found = {}
    for thing in listing["nftables"]:
        for statement in thing.get("rule", {}).get("expr", ()):
            match statement:
                case {"counter": {"packets": int(packets)}}:
                    found[thing["rule"]["handle"]] = packets
    return found


def run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def _frame(packet: bytes, to: bytes) -> bytes:
    """``packet`` to the gateway, or to all where its destination says so; only of IPv4."""
    if packet[0] >> 4 == 6:
        return to + SENDER + b"\x86\xdd" + packet
    destination = packet[16:20]
    if destination[0] >> 4 == 14:
        to = b"\x01\0\x5e" + bytes([destination[1] & 0x7F]) + destination[2:]
    elif destination.endswith(b"\xff\xff\xff"):
        to = b"\xff" * 6
    return to + SENDER + b"\x08\x00" + packet


def main() -> None:
    packets = [bytes.fromhex(one) for one in json.load(sys.stdin)]
    run("sh", "-ec", SETUP)
    run("nft", "-f", sys.argv[1])
    first = run("nft", "-j", "list", "ruleset")
    (link,) = json.loads(run("ip", "-j", "link", "show", "lan"))
    to = bytes.fromhex(link["address"].replace(":", ""))
    before = counted(json.loads(first))
    matched = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as end:
        end.bind(("lan-end", 0))
        for packet in packets:
            end.send(_frame(packet, to))
            after = counted(json.loads(run("nft", "-j", "list", "ruleset")))
            matched.append([handle for handle, count in after.items() if count != before[handle]])
            before = after
    json.dump({"listing": first, "matched": matched}, sys.stdout)


if __name__ == "__main__":
    main()
