"""How often one network, or one client, is answered: what keeps a server from being a weapon or a victim.

A bucket is one number, the time at which its owner will have paid for all that it got (GCRA, ITU-T I.371).
They stand in one array of fixed size, found by hash: a flood from forged addresses cannot make it grow, nor
push anybody out. Two networks that meet in one bucket share it; at worst they are told to come back over TCP.
Python keys its hash anew with each start, so nobody can aim at another's bucket.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from splitdns.value import value

BUCKETS = 65_536  # half a megabyte
MAX_REMEMBERED_HOSTS = 65_536  # beyond: forgotten all at once, and hashed anew; the buckets stay
CLIENT_PREFIX_4, CLIENT_PREFIX_6 = 32, 64  # one client: an address, or an IPv6 /64


class Verdict(Enum):
    """What becomes of a query that comes after too many others."""

    DROP = "drop"
    TRUNCATE = "truncate"  # an empty answer with TC: who is no forgery comes back over TCP


@value(frozen=True, slots=True)
class Rates:
    """What may be had, by each worker; 0 is without limit.

    ``responses_per_second`` is for a network (``prefix_4``, ``prefix_6``) that may not recurse, over UDP;
    ``queries_per_second`` for one client that may. Who was quiet for ``window_s`` may take as much at once as
    in that time. One of ``slip`` answers that are too many is an empty one with TC (0: none).
    """

    responses_per_second: float = 0
    queries_per_second: float = 0
    window_s: float = 5.0
    slip: int = 2
    prefix_4: int = 24
    prefix_6: int = 56
    exempt: tuple[IPv4Network | IPv6Network, ...] = ()


class Buckets:
    """Admits what keeps to ``per_second``, for each prefix; times are seconds of one steady clock.

    ``due_s`` has each bucket's number, ``cost_s`` is what one answer adds, and ``window_s`` how far a bucket
    may be ahead of the clock.
    """

    __slots__ = ("_exempt", "_prefix_4", "_prefix_6", "_slots", "cost_s", "due_s", "window_s")

    def __init__(
        self,
        per_second: float,
        window_s: float,
        prefix_4: int,
        prefix_6: int,
        exempt: tuple[IPv4Network | IPv6Network, ...] = (),
    ) -> None:
        self.cost_s = 1 / per_second if per_second else 0.0
        # One is always allowed, and half of one more, so that rounding costs nobody an answer.
        self.window_s = max(window_s, self.cost_s) + self.cost_s / 2
        self._prefix_4, self._prefix_6 = prefix_4, prefix_6
        self._exempt = [
            (prefix.version, shift, int(prefix.network_address) >> shift)
            for prefix in exempt
            for shift in (prefix.max_prefixlen - prefix.prefixlen,)
        ]
        self.due_s = array("d", bytes(8 * (BUCKETS + 1)))  # the last one is for whoever is exempt
        self._slots: dict[str, int] = {}

    def admits(self, host: str, now_s: float) -> bool:
        """Count one more of ``host``, a socket's host; false: it was one too many."""
        try:
            slot = self._slots[host]
        except KeyError:
            slot = self.slot(host)
        return self.take(slot, now_s)

    def take(self, slot: int, now_s: float) -> bool:
        """The same of a host whose bucket is known."""
        due_s = self.due_s
        due = due_s[slot]
        if due <= now_s:
            due_s[slot] = now_s + self.cost_s
            return True
        due += self.cost_s
        if due - now_s <= self.window_s:
            due_s[slot] = due
            return True
        if slot != BUCKETS:
            return False
        due_s[slot] = 0.0
        return True

    def has_room(self, slot: int, times: int, now_s: float) -> bool:
        """Whether so many would all be admitted, and none of them the last."""
        return max(self.due_s[slot] - now_s, 0.0) + (times + 1) * self.cost_s <= self.window_s

    def charge(self, slot: int, times: int, now_s: float) -> None:
        """Count so many, for whom there was room."""
        self.due_s[slot] = max(self.due_s[slot], now_s) + times * self.cost_s

    def limits(self, host: str) -> bool:
        """Whether there is anything that ``host`` has to keep to."""
        return self.slot(host) != BUCKETS

    def slot(self, host: str) -> int:
        """The bucket of ``host``; ``BUCKETS`` for who has nothing to keep to."""
        slots = self._slots
        if len(slots) >= MAX_REMEMBERED_HOSTS:
            slots.clear()
        slot = slots[host] = self._hash(host) if self.cost_s else BUCKETS
        return slot

    def _hash(self, host: str) -> int:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        version, bits = address.version, int(address)
        if any(version == of and bits >> shift == start for of, shift, start in self._exempt):
            return BUCKETS
        network = bits >> (32 - self._prefix_4 if version == 4 else 128 - self._prefix_6)
        return hash(f"{version}/{network:x}") % BUCKETS


class Limiter:
    """The buckets of one worker, for those who may recurse and those who may not."""

    def __init__(self, rates: Rates, random: Callable[[], float]) -> None:
        self._random = random
        self.set(rates)

    def set(self, rates: Rates) -> None:
        """Keep to ``rates`` from now on; everybody starts anew."""
        self._slip = rates.slip
        self.responses = Buckets(
            rates.responses_per_second, rates.window_s, rates.prefix_4, rates.prefix_6, rates.exempt
        )
        self.queries = Buckets(
            rates.queries_per_second, rates.window_s, CLIENT_PREFIX_4, CLIENT_PREFIX_6, rates.exempt
        )

    def verdict(self) -> Verdict:
        """What a network gets that has had too many responses."""
        return Verdict.TRUNCATE if self._slip and self._random() * self._slip < 1 else Verdict.DROP
