"""What there is to say about one question of one client, as values.

``splitdns explain`` prints them, as text or as JSON; later pages show them. Nothing here is printed text but
the reasons, which are whole phrases.
"""

from __future__ import annotations

from enum import StrEnum

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import Where
from splitdns.names import Qname
from splitdns.records import Rcode, RRset
from splitdns.value import value
from splitdns.view import Address, Prefix, UpstreamSet, View
from splitdns.wire.message import Answer, Query


class How(StrEnum):
    """How a hop's name met what decided it."""

    EXACT = "exact"
    WILDCARD = "wildcard"  # RFC 4592
    REGEXP = "regexp"
    EMPTY = "empty-non-terminal"  # the name itself holds nothing, a name beneath it does
    DNAME = "dname"  # RFC 6672
    CUT = "delegation"  # at or beneath a zone cut, RFC 1034 4.2
    ELSEWHERE = "other-views-only"  # declared, and without a record in this view
    ABSENT = "absent"
    BROKEN = "broken-zone"
    AUTOMATIC = "automatic-ptr"
    LISTED = "blocklist"
    DNS64 = "dns64"  # the name of an address that holds an IPv4 one, RFC 6147 5.3
    RULE = "forward-rule"
    NOBODY = "nobody"  # neither a zone nor a rule


class Result(StrEnum):
    """What a hop came to."""

    RECORDS = "records"
    ALIAS = "alias"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    REFERRAL = "referral"
    YXDOMAIN = "yxdomain"  # a DNAME that leads to too long a name, RFC 6672 2.2
    FORWARD = "forward"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    OPEN = "open"  # an alias left our names, and the client goes on from there by itself


class Origin(StrEnum):
    """Where a record comes from."""

    ZONE = "zone"
    AUTOMATIC = "automatic"  # the PTR of an address that a zone declares
    SYNTHESIZED = "synthesized"  # the CNAME that a DNAME stands for
    UPSTREAM = "upstream"
    LIST = "list"  # a list of names says so
    SERVER = "server"  # what the server says of itself, CH TXT


@value(frozen=True, slots=True)
class Candidate:
    """A view that the client's address matches: by which prefix (None: ``any``), written where."""

    view: str
    prefix: Prefix | None
    where: Where | None = None


@value(frozen=True, slots=True)
class Client:
    """The client's address with IPv4-mapped folded, and all views that it matches, the chosen one first."""

    address: Address
    candidates: tuple[Candidate, ...]


@value(frozen=True, slots=True)
class Place:
    """Where a record set is written; ``own_ttl``: with a TTL of its own or of its name."""

    where: Where
    own_ttl: bool | None = None


@value(frozen=True, slots=True)
class Record:
    """A record set as it stands before the guard, and what is known about it."""

    rrset: RRset
    origin: Origin
    place: Place | None = None
    ttl_reason: str = ""


@value(frozen=True, slots=True)
class Stripped:
    """A record that the leak guard took out or shortened."""

    owner: bytes
    rdtype: int
    rdata: bytes
    reason: str
    shortened: bool = False


@value(frozen=True, slots=True)
class ZonePart:
    """The zone that decided a hop."""

    apex: Qname
    source: str
    overlay: bool
    fault: str | None


@value(frozen=True, slots=True)
class Forwarding:
    """Who is asked and by which rule; ``reply`` only where it was really asked."""

    domain: Qname
    upstreams: UpstreamSet
    no_nxdomain: bool = False
    inherited: bool = False
    asked: bool = False
    reply: Reply | None = None
    where: Where | None = None


@value(frozen=True, slots=True)
class Hop:
    """One name on the way from the question to its end.

    ``matched`` is the wildcard, the regexp, the cut or the DNAME that stood for the name. ``records`` are
    what it gives to the answer, ``beside`` what it gives to the other sections.
    """

    name: bytes
    how: How
    result: Result
    zone: ZonePart | None = None
    matched: str = ""
    reason: str = ""
    records: tuple[Record, ...] = ()
    beside: tuple[Record, ...] = ()
    forwarding: Forwarding | None = None


@value(frozen=True, slots=True)
class Outcome:
    """What a view (None: the client has none) gives: its answer after the guard, or whom it would ask."""

    view: str | None
    decided: Answer | Forward

    @property
    def negative(self) -> bool:
        """Whether there is an answer, and a script that asks for a record finds none in it."""
        answer = self.decided
        return isinstance(answer, Answer) and (answer.rcode != Rcode.NOERROR or not answer.answer)


@value(frozen=True, slots=True)
class Explanation:
    """The whole of it; a client without a view is refused, and there are no hops."""

    query: Query
    client: Client
    view: View | None
    outcome: Outcome
    hops: tuple[Hop, ...] = ()
    stripped: tuple[Stripped, ...] = ()
    others: tuple[Outcome, ...] = ()
