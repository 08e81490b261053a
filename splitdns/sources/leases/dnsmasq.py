"""dnsmasq's leases file: a lease a line, written anew as a whole (dnsmasq(8), lease.c).

>>> text = "1764000000 52:54:00:12:34:56 192.168.1.20 laptop 01:52:54:00:12:34:56\\n"
>>> [(str(one.address), one.hostname, one.ends_s) for one in leases_in(text, "dnsmasq.leases")]
[('192.168.1.20', 'laptop', 1764000000.0)]
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.errors import Where
from splitdns.sources.leases.lease import Lease, address_in, mac_of_duid

_NONE = "*"
# One that is built for machines without a clock writes how long a lease is, and nobody can tell its end.
EARLIEST_S = 1_000_000_000


def leases_in(text: str, file: str) -> Iterator[Lease]:
    """The leases of ``text``; of a line that is cut off or something else, none.

    A line is `END MAC ADDRESS NAME CLIENT-ID` for DHCPv4. After the line `duid …` of the server it is `END
    IAID ADDRESS NAME DUID`, for DHCPv6.
    """
    *lines, _ = text.split("\n")  # what is after the last line end is not a line yet
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) != 5 or not (words[0].isascii() and words[0].isdigit() and len(words[0]) < 20):
            continue
        end, hardware, written, hostname, identity = words
        address = address_in(written)
        if address is None:
            continue
        if address.version == 4:
            client = hardware.rpartition("-")[2].lower()  # before it, the type where it is no Ethernet
        else:
            client = mac_of_duid(identity) or identity.lower()
        yield Lease(
            address,
            "" if hostname == _NONE else hostname,
            client,
            float(end) if int(end) >= EARLIEST_S else None,
            Where(file, number),
        )
