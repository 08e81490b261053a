"""What the values of iptables options mean: addresses with masks, ports, protocols, marks.

iptables reads a name, a number or a range almost everywhere, and prints numbers; a file that a person wrote
holds names. Names of hosts were resolved when the rules were loaded, and nothing is known of them here.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from splitdns.check.dialects.iptables_words import Line, Word
from splitdns.check.sets import PORTS, PROTOCOLS, Address, Numbers, Range, all_addresses

# /etc/protocols, as far as rules are written about them.
PROTOCOL_NUMBERS = {
    "icmp": 1, "igmp": 2, "ipencap": 4, "ipip": 4, "tcp": 6, "egp": 8, "igp": 9, "udp": 17, "dccp": 33,
    "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ipv6-crypt": 50,
    "ah": 51, "ipv6-auth": 51, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "eigrp": 88, "ospf": 89, "ospfigp": 89, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132, "mh": 135,
    "ipv6-mh": 135, "mobility-header": 135, "udplite": 136,
}  # fmt: skip
# /etc/services, the same.
SERVICE_PORTS = {
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68,
    "tftp": 69, "http": 80, "www": 80, "pop3": 110, "sunrpc": 111, "ntp": 123, "netbios-ns": 137,
    "netbios-dgm": 138, "netbios-ssn": 139, "imap": 143, "imap2": 143, "snmp": 161, "snmp-trap": 162,
    "ldap": 389, "https": 443, "microsoft-ds": 445, "submissions": 465, "isakmp": 500, "syslog": 514,
    "submission": 587, "ldaps": 636, "domain-s": 853, "imaps": 993, "pop3s": 995, "openvpn": 1194,
    "nfs": 2049, "mysql": 3306, "ipsec-nat-t": 4500, "sip": 5060, "mdns": 5353, "postgresql": 5432,
    "http-alt": 8080,
}  # fmt: skip
MAX_FREE_BITS = 10  # of a mask with holes: it makes 2 ** that many ranges; beyond, the condition is widened

_HOST_NAME = re.compile(r"(?=.*[A-Za-z_])[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,32}|[0-9]{1,39}")
MARKS = Numbers(((0, 0xFFFF_FFFF),))


def whole_number(line: Line, word: Word, text: str, what: str, most: int) -> int:
    """A number from 0 to ``most``, decimal or with 0x.

    Raises:
        ConfigError: it is none.
    """
    if _NUMBER.fullmatch(text):
        number = int(text, 16) if text[:2] in ("0x", "0X") else int(text)
        if number <= most:
            return number
    raise line.wrong(word, what)


def address(line: Line, word: Word, text: str) -> Address:
    """One address of the line's family.

    Raises:
        ConfigError: it is none.
    """
    try:
        return IPv4Address(text) if line.family == 4 else IPv6Address(text.partition("%")[0])
    except AddressValueError:
        raise line.wrong(word, f"an IPv{line.family} address", repr(text)) from None


def addresses(line: Line, word: Word) -> Numbers | None:
    """``192.0.2.0/24``, ``192.0.2.0/255.255.255.0``, several with commas; None: not to be known here.

    Raises:
        ConfigError: neither an address nor a name.
    """
    ranges: list[Range] = []
    for part in word.text.split(","):
        base, _, mask = part.partition("/")
        if mask == "0":  # "any/0": whatever stands before it
            return all_addresses(line.family)
        if ":" not in base and _HOST_NAME.fullmatch(base):
            return None
        found = _masked(int(address(line, word, base)), _mask(line, word, mask), line.family)
        if found is None:
            return None
        ranges += found
    return Numbers.of(*ranges)


def address_range(line: Line, word: Word, text: str) -> Numbers:
    """``192.0.2.1`` or ``192.0.2.1-192.0.2.9``.

    Raises:
        ConfigError: it is neither.
    """
    first, dash, last = text.partition("-")
    low = int(address(line, word, first))
    high = int(address(line, word, last)) if dash else low
    if low > high:
        raise line.wrong(word, "a range from the lower address to the higher", repr(text))
    return Numbers.of((low, high))


def ports(line: Line, word: Word, separator: str = ":") -> Numbers | None:
    """``80``, ``1024:65535``, ``:1023``, several with commas, names too; None: a name nobody knows here.

    Raises:
        ConfigError: it is none of these.
    """
    ranges: list[Range] = []
    for part in word.text.split(","):
        first, between, last = part.partition(separator)
        low = _port(line, word, first) if first else 0
        high = (_port(line, word, last) if last else 65_535) if between else low
        if not part or (between and not (first or last)):
            raise line.wrong(word, "a port")
        if low is None or high is None:
            return None
        ranges.append((low, high))  # none, where the last is below the first: the kernel looks at both
    return Numbers.of(*ranges)


def protocols(line: Line, word: Word) -> Numbers | None:
    """``tcp``, ``6``, ``all``; None: a name nobody knows here.

    Raises:
        ConfigError: it is no name either.
    """
    text = word.text.lower()
    if text in ("all", "0", "ip", "any"):
        return PROTOCOLS
    if text in PROTOCOL_NUMBERS:
        return Numbers.one(PROTOCOL_NUMBERS[text])
    if _HOST_NAME.fullmatch(text) and not text.startswith("0x"):
        return None
    return Numbers.one(whole_number(line, word, text, "a protocol", 255))


def value_and_mask(line: Line, word: Word) -> tuple[int, int]:
    """``0x1/0xff``, of a mark; without a mask, all of it.

    Raises:
        ConfigError: it is no such thing.
    """
    value, slash, mask = word.text.partition("/")
    most, what = 0xFFFF_FFFF, "a mark of 32 bits"
    number = whole_number(line, word, value, what, most)
    return number, whole_number(line, word, mask, what, most) if slash else most


def without(everything: Numbers, numbers: Numbers, negated: bool) -> Numbers:
    """``numbers``, or, ``negated``, all others."""
    return everything - numbers if negated else numbers


def other_ports(numbers: Numbers, negated: bool) -> Numbers:
    return without(PORTS, numbers, negated)


def _port(line: Line, word: Word, text: str) -> int | None:
    if text in SERVICE_PORTS:
        return SERVICE_PORTS[text]
    if _HOST_NAME.fullmatch(text) and not text.startswith("0x"):
        return None
    return whole_number(line, word, text, "a port", 65_535)


def _mask(line: Line, word: Word, text: str) -> int:
    """A length or a dotted mask, as bits."""
    width = 32 if line.family == 4 else 128
    if not text:
        return (1 << width) - 1
    if text.isdecimal():
        length = whole_number(line, word, text, f"a prefix length up to {width}", width)
        return (1 << width) - (1 << (width - length))
    return int(address(line, word, text))


def _masked(value: int, mask: int, family: int) -> list[Range] | None:
    """The numbers n with ``n & mask == value & mask``; None: too many ranges."""
    width = 32 if family == 4 else 128
    low_bits = (mask & -mask).bit_length() - 1 if mask else width  # below the lowest bit that counts
    holes = [bit for bit in range(low_bits, width) if not mask >> bit & 1]
    if len(holes) > MAX_FREE_BITS:
        return None
    bases = [value & mask]
    for bit in holes:
        bases += [base | 1 << bit for base in bases]
    return [(base, base | ((1 << low_bits) - 1)) for base in bases]
