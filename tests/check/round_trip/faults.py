"""Networks with exactly one fault each, in words; one for each finding that ``splitdns rules`` mends.

The shapes, and what is always there, are those of ``tests/check/everywhere/networks.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from splitdns.check.finding import Code
from tests.check.everywhere.site import PLAIN, SPLIT, Site

_SERVER = "  web:      {clients: [192.168.1.20/32], horizon: [HORIZON], recursion: true}\n  internet:"
# Who is told the public address, and who the server's own.
ALL_BUT_WEB = PLAIN.replace("  internet:", _SERVER.replace("HORIZON", "inside"))
WEB_ALONE = SPLIT.replace("  internet:", _SERVER.replace("HORIZON", "outside"))
VPN_ALONE = SPLIT.replace("[10.8.0.0/24],     horizon: [inside], ", "[10.8.0.0/24],     horizon: [outside],")

_BY_UPLINK = "443/tcp at 203.0.113.7 goes to 192.168.1.20, if it comes by wan0."
_BY_ADDRESS = "443/tcp at 203.0.113.7 goes to 192.168.1.20, by whatever interface it comes in"
_LED = (
    "443/tcp at 203.0.113.7 goes to 192.168.1.20, if it comes by wan0. What comes by lan0 at"
    " PROTOCOLS,EXCEPT"
    " and is not sent to 192.168.1.53 is led to 192.168.1.53, where this server is."
)
_NOT_ITS_OWN = " does not come from 192.168.1.53"
_BACK = (
    "What comes from 192.168.1.0/24 and goes to 192.168.1.53 at port 53 gets the gateway's address"
    " 192.168.1.1 for its source."
)


@dataclass(frozen=True)
class Fault(Site):
    """``name`` is that of its files; ``forwards`` and ``otherwise`` are as of ``Network``."""

    name: str
    code: Code
    forwards: str
    otherwise: str = ""

    def __str__(self) -> str:
        return self.name


def _redirecting(protocols: str, exempt: str) -> str:
    return _LED.replace("PROTOCOLS", protocols).replace(",EXCEPT", f",{exempt}" if exempt else "")


FAULTS = (
    Fault("FWD-MISSING", Code.FWD_MISSING, "Nothing is forwarded."),
    Fault(
        "FWD-WRONG-HOST",
        Code.FWD_WRONG_HOST,
        "443/tcp at 203.0.113.7 goes to 192.168.1.21, if it comes by wan0.",
    ),
    Fault(
        "FWD-WRONG-PORT",
        Code.FWD_WRONG_PORT,
        "443/tcp at 203.0.113.7 goes to 192.168.1.20 at port 8443, if it comes by wan0.",
        hosts="{web: {addresses: [192.168.1.20/24], listens: [443/tcp]}}",
    ),
    Fault(
        "FWD-SHADOWED",
        Code.FWD_SHADOWED,
        "By wan0, the first that holds decides: 443/tcp at 203.0.113.7 goes to 192.168.1.21; then it goes"
        " to 192.168.1.20, which is never met.",
    ),
    Fault(
        "FWD-FILTERED",
        Code.FWD_FILTERED,
        _BY_UPLINK,
        "What a forward led inside does not pass by itself: it needs a rule, and there is none.",
    ),
    Fault(
        "FWD-FILTERED-REPLIES",
        Code.FWD_FILTERED,
        _BY_UPLINK,
        "Replies do not pass by themselves: what comes by lan0 and belongs to a connection that came by"
        " wan0 is dropped.",
    ),
    Fault(
        "FWD-PRENAT-MATCH",
        Code.FWD_PRENAT_MATCH,
        _BY_UPLINK,
        "What a forward led inside does not pass by itself. The one rule for it accepts 443/tcp to"
        " 203.0.113.7, which is the address before the translation.",
    ),
    Fault(
        "HP-MISSING",
        Code.HP_MISSING,
        f"{_BY_ADDRESS}; nothing is done to the source of connections from the LAN.",
        config=ALL_BUT_WEB,
    ),
    Fault(
        "HP-SELF",
        Code.HP_SELF,
        f"{_BY_ADDRESS}; nothing is done to the source of connections from the LAN.",
        config=WEB_ALONE,
    ),
    Fault("HP-DNAT-WAN-ONLY", Code.HP_DNAT_WAN_ONLY, _BY_UPLINK, config=ALL_BUT_WEB),
    Fault(
        "HP-ZONE-UNCOVERED",
        Code.HP_ZONE_UNCOVERED,
        f"{_BY_ADDRESS}; what comes from 10.8.0.0/24 (vpn0) and goes to 192.168.1.20 at 443/tcp gets the"
        " gateway's address 192.168.1.1 for its source, and what comes from 192.168.1.0/24 does not.",
        shape="dmz",
        config=ALL_BUT_WEB,
    ),
    Fault(
        "HP-FILTERED",
        Code.HP_FILTERED,
        f"{_BY_ADDRESS}.",
        "What comes by vpn0 and leaves by lan0 is dropped, but replies, before what a forward led inside"
        " passes.",
        shape="dmz",
        config=VPN_ALONE,
    ),
    Fault("RED53-PARTIAL", Code.RED53_PARTIAL, _redirecting("53/udp", _NOT_ITS_OWN), _BACK),
    Fault("RED53-ASYM", Code.RED53_ASYM, _redirecting("53/udp and 53/tcp", _NOT_ITS_OWN)),
    Fault("RED53-LOOP", Code.RED53_LOOP, _redirecting("53/udp and 53/tcp", ""), _BACK),
)
