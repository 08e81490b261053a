"""Networks that every gateway can have, told in words: what stands in each, and what the check finds there.

A network is nobody's dialect: its rules are told as a person would order them from whoever keeps the
gateway. Each dialect writes them down in a file of its own (``dialects``), and all must give the same
findings, because the check is about the network and not about how its gateway is spelled.

All have one shape or the other:

lan
    ``wan0`` with 203.0.113.7/24, fixed, and the default route via 203.0.113.1: the uplink; ``lan0`` with
    192.168.1.1/24. IPv4 only.
dmz
    the same, ``dmz0`` with 192.168.20.1/24, and ``vpn0`` with 10.8.0.1/24, on which a tunnel's users are.

What is always there, unless a network says ``otherwise``: what leaves by ``wan0`` from inside gets its
address. Replies to what was let through pass. What a forward led inside passes. All else that comes by
``wan0`` is dropped without a word, whether it is for the gateway itself or for somebody behind it. What
comes from inside passes, to everybody and to the gateway itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.check.everywhere.site import PLAIN, WWW, Site


@dataclass(frozen=True)
class Network(Site):
    """``forwards``: what is to be forwarded, and how; ``otherwise``: what differs from the usual.

    ``findings``: all that the check says, a line for each: severity, code, the service, and behind a bar the
    clients.
    """

    number: int
    title: str
    forwards: str
    findings: tuple[str, ...]
    otherwise: str = ""

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


NETWORKS = (
    Network(
        1,
        "a forward by address, and no hairpin",
        "443/tcp at 203.0.113.7 goes to 192.168.1.20, by whatever interface it comes in; nothing is done"
        " to the source of connections from the LAN.",
        (
            "error HP-MISSING www.example.com. 443/tcp | lan0 192.168.1.0/24",
            "error HP-SELF www.example.com. 443/tcp | 192.168.1.20",
            "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        ),
        config=PLAIN,
    ),
    Network(
        2,
        "a forward by address, and the right hairpin",
        "443/tcp at 203.0.113.7 goes to 192.168.1.20, by whatever interface it comes in; what comes from"
        " 192.168.1.0/24 and goes to 192.168.1.20 at 443/tcp gets the gateway's address 192.168.1.1 for"
        " its source.",
        (
            "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
            "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
        config=PLAIN,
    ),
    Network(
        3,
        "a forward for the uplink only",
        "443/tcp at 203.0.113.7 goes to 192.168.1.20, if it comes by wan0.",
        (
            "error HP-DNAT-WAN-ONLY www.example.com. 443/tcp"
            " | 192.168.1.20, lan0 192.168.1.0/24, the gateway",
        ),
        config=PLAIN,
    ),
    Network(
        4,
        "a forward to the wrong host, another to the wrong port",
        "By wan0: 443/tcp at 203.0.113.7 goes to 192.168.1.21 (it should be .20); 993/tcp goes to"
        " 192.168.1.20 at port 1993 (it should be 993).",
        (
            "error FWD-WRONG-HOST www.example.com. 443/tcp | the internet",
            "error FWD-WRONG-PORT mail.example.com. 993/tcp | the internet",
            "info HP-ONLY-FALLBACK mail.example.com. 993/tcp | lan0 192.168.1.0/24",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
        zone=WWW + "  mail: {A: {inside: 192.168.1.20, outside: $wan4}, expose: [993/tcp]}\n",
        hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp, 993/tcp]}}",
    ),
    Network(
        5,
        "a forward before the right one, and one that nobody declared",
        "By wan0, the first that holds decides: 443/tcp at 203.0.113.7 goes to 192.168.1.21; then 443/tcp"
        " goes to 192.168.1.20, which is never met; then 8080/tcp goes to 192.168.1.21.",
        (
            "error FWD-SHADOWED www.example.com. 443/tcp | the internet",
            "warning EXP-UNNAMED | the internet",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
    ),
    Network(
        6,
        "a server in a DMZ, and a VPN",
        "443/tcp at 203.0.113.7 goes to 192.168.20.20, by whatever interface it comes in; nothing is done"
        " to the source of connections from inside.",
        (
            "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | dmz0 192.168.20.0/24",
            "info HP-UNNEEDED www.example.com. 443/tcp | lan0 192.168.1.0/24, vpn0 10.8.0.0/24",
        ),
        shape="dmz",
        config=PLAIN,
        zone=WWW.replace("192.168.1.20", "192.168.20.20"),
    ),
    Network(
        7,
        "a forward that the filter drops",
        "443/tcp at 203.0.113.7 goes to 192.168.1.20, if it comes by wan0.",
        (
            "error FWD-FILTERED www.example.com. 443/tcp | the internet",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
        otherwise="What a forward led inside does not pass by itself: it needs a rule of its own in the"
        " filter, and there is none, so that it is dropped like all else that comes by wan0.",
    ),
    Network(
        8,
        "an open resolver, and SSH of the gateway",
        "By wan0: 443/tcp at 203.0.113.7 goes to 192.168.1.20; 53/udp and 53/tcp go to 192.168.1.53,"
        " where this server is.",
        (
            "critical EXP-ADMIN | the internet",
            "critical EXP-OPEN-RESOLVER | the internet",
            "warning EXP-UNNAMED | the internet",
            "warning EXP-UNNAMED | the internet",
            "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
        otherwise="22/tcp of the gateway itself is accepted by wan0 too. Everything that leaves by lan0"
        " gets the gateway's address 192.168.1.1 for its source, also what comes from the"
        " internet, so that the resolver takes it for its own clients.",
        resolver="192.168.1.53, 203.0.113.7",
    ),
    Network(
        9,
        "a port that is another one inside",
        "8443/tcp at 203.0.113.7 goes to 192.168.1.20 at port 443, if it comes by wan0.",
        (
            "error DNS-PORT-TRANSLATED www.example.com. 8443/tcp"
            " | 192.168.1.20, lan0 192.168.1.0/24, the gateway",
            "info HP-ONLY-FALLBACK www.example.com. 8443/tcp | lan0 192.168.1.0/24",
        ),
        zone=WWW.replace("443/tcp", "{public: 8443/tcp, inside: 443/tcp}"),
    ),
    Network(
        10,
        "clients of the internet that are hidden",
        "443/tcp at 203.0.113.7 goes to 192.168.1.20, if it comes by wan0.",
        (
            "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
        otherwise="Everything that leaves by lan0 gets the gateway's address 192.168.1.1 for its source,"
        " also what comes from the internet.",
    ),
    Network(
        11,
        "ranges of ports",
        "By wan0: 443/tcp at 203.0.113.7 goes to 192.168.1.20; 27000-27010/udp goes to 192.168.1.21, each"
        " to its own port; 40000-40199/udp goes to 192.168.1.21, each to its own port.",
        (
            "warning EXP-WIDE-RANGE | the internet",
            "info HP-ONLY-FALLBACK game.example.com. 27000-27010/udp | lan0 192.168.1.0/24",
            "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        ),
        zone=WWW + "  game: {A: {inside: 192.168.1.21, outside: $wan4}, expose: [27000-27010/udp]}\n",
    ),
)
