"""Protocols and ICMP types by the names that rules give them."""

from __future__ import annotations

from splitdns.check.model import ICMP, ICMP6, SCTP, TCP, UDP
from splitdns.check.sets import Numbers

ALL = Numbers.of((0, 255))
_BY_NAME: dict[str, tuple[int, ...]] = {
    "tcp": (TCP,),
    "udp": (UDP,),
    "tcp/udp": (TCP, UDP),
    "icmp": (ICMP,),
    "icmp6": (ICMP6,),
    "icmpv6": (ICMP6,),
    "ipv6-icmp": (ICMP6,),
    "igmp": (2,),
    "ipv4": (4,),
    "ipencap": (4,),
    "ipv6": (41,),
    "gre": (47,),
    "esp": (50,),
    "ah": (51,),
    "ospf": (89,),
    "pim": (103,),
    "carp": (112,),
    "vrrp": (112,),
    "sctp": (SCTP,),
    "pfsync": (240,),
}
# By the names of pf's icmp-type and icmp6-type (pf.conf(5)).
_TYPES = {
    4: {
        "echorep": 0, "unreach": 3, "squench": 4, "redir": 5, "althost": 6, "echoreq": 8, "routeradv": 9,
        "routersol": 10, "timex": 11, "paramprob": 12, "timereq": 13, "timerep": 14, "inforeq": 15,
        "inforep": 16, "maskreq": 17, "maskrep": 18, "trace": 30,
    },
    6: {
        "unreach": 1, "toobig": 2, "timex": 3, "paramprob": 4, "echoreq": 128, "echorep": 129,
        "groupqry": 130, "listqry": 130, "grouprep": 131, "listenrep": 131, "groupterm": 132,
        "listendone": 132, "routersol": 133, "routeradv": 134, "neighbrsol": 135, "neighbradv": 136,
        "redir": 137,
    },
}  # fmt: skip


def protocols(name: str, family: int) -> Numbers | None:
    """The protocols of ``name``; all of them for none; None: not a protocol that is known here."""
    name = name.lower()
    if name in ("", "any"):
        return ALL
    if name == "icmp" and family == 6:
        return Numbers.one(ICMP6)
    if name.isdecimal() and int(name) < 256:
        return Numbers.one(int(name))
    if name not in _BY_NAME:
        return None
    return Numbers.of(*((one, one) for one in _BY_NAME[name]))


def icmp_types(names: list[str], family: int) -> Numbers | None:
    """The types of ``names``; None: one of them is not known here."""
    found = [_TYPES[family].get(name) for name in names]
    numbers = [one for one in found if one is not None]
    return Numbers.of(*((one, one) for one in numbers)) if len(numbers) == len(names) else None


def families(text: str) -> tuple[int, ...]:
    """Of ``<ipprotocol>``; IPv4 where nothing is said."""
    return {"inet6": (6,), "inet46": (4, 6)}.get(text, (4,))
