"""The sections of ``splitdns.yaml``: a setting is one field, with its documentation beneath it.

How a value is read stands before them, by type; ``configvalues`` does it, and says in our words what is
wrong.
"""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from splitdns.load import configvalues, upstreamvalues, wansources
from splitdns.load.configvalues import ANY, Listen
from splitdns.names import Qname
from splitdns.view import Prefix, Upstream

# --- Values: how each is read, and how an editor may check it ----------------------------------------------


def default(value: Any) -> Any:
    """A default as a person would write it; it is read like any other value."""
    return Field(default=value)


def _text(pattern: str, *examples: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples), **more})


_PORT = r"(:[0-9]{1,5})?"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
_OWN_ADDRESS = rf"^([0-9.]+|\[[^\]]*:[^\]]*\]){_PORT}$"
_COLLECTOR = r"/|^([0-9.]+|\[[^\]]*:[^\]]*\]):[0-9]{1,5}$"
_UPSTREAM = rf"^([0-9.]+{_PORT}|\[[^\]]*:[^\]]*\]{_PORT}|[^\[\]]*:[^\[\]]*:[^\[\]]*)$"
_CLIENT = r"^(any|[0-9.]+(/[0-9]+)?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/[0-9]+)?)$"
_NETWORK = r"^([0-9.]+(/[0-9]+)?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/[0-9]+)?)$"
_HOST = r"^([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?$"
_DURATION = {
    "type": ["string", "integer"],
    "pattern": "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
    "minLength": 2,
    "minimum": 1,
    "maximum": configvalues.MAX_DURATION_S,
    "examples": ["10s", "5m", "1h30m", 60],
}
_PROCESSES = {"type": "integer", "minimum": 1, "maximum": configvalues.MAX_WORKERS}
_WORKERS = {"anyOf": [{"const": "auto"}, _PROCESSES]}
_LISTED_ACTION = {
    "type": ["string", "array"],
    "items": {"type": "string"},
    "minItems": 1,
    "examples": ["nxdomain", "nodata", "refused", "drop", "allow", ["0.0.0.0", "::"]],
}
_IDENTITY = {"type": ["boolean", "string"], "minLength": 1, "maxLength": configvalues.MAX_IDENTITY_OCTETS}
_NO_HORIZON = {"enum": list(configvalues.NO_HORIZONS)}

ListenAddress = Annotated[
    Listen,
    PlainValidator(configvalues.listen),
    _text(_OWN_ADDRESS, "0.0.0.0:53", "[::]:53", "192.168.1.1:53"),
]
Resolver = Annotated[
    Upstream, PlainValidator(configvalues.upstream), _text(_UPSTREAM, "9.9.9.9", "[2620:fe::fe]:53")
]
UpstreamAddresses = Annotated[
    tuple[Upstream, ...],
    PlainValidator(upstreamvalues.upstream),
    WithJsonSchema(upstreamvalues.JSON_SCHEMA),
]
Client = Annotated[
    configvalues.Client,
    PlainValidator(configvalues.client),
    _text(_CLIENT, "192.168.0.0/16", "fd00::/8", "any"),
]
Domain = Annotated[Qname, PlainValidator(configvalues.domain), _text(r"^\S+$", ".", "corp.example")]
Whoami = Annotated[Qname, PlainValidator(configvalues.whoami), _text(_HOST, "who.example.com")]
Duration = Annotated[int, PlainValidator(configvalues.duration_s), WithJsonSchema(_DURATION)]
DurationOrNone = Annotated[
    int,
    PlainValidator(configvalues.duration_or_none_s),
    WithJsonSchema({"anyOf": [{"const": 0}, _DURATION]}),
]
Horizon = Annotated[
    str,
    PlainValidator(configvalues.horizon),
    _text(_NAME, "inside", "outside", "vpn", **{"not": _NO_HORIZON}),
]
ViewName = Annotated[str, PlainValidator(configvalues.view_name), _text(_NAME, "lan", "vpn", "internet")]
Path = Annotated[str, PlainValidator(configvalues.path), _text(r"^[^\u0000]+$", "zones/")]
Workers = Annotated[int | None, PlainValidator(configvalues.workers), WithJsonSchema(_WORKERS)]
Collector = Annotated[
    str | tuple[str, int],
    PlainValidator(configvalues.collector),
    _text(_COLLECTOR, "/run/dnstap.sock", "127.0.0.1:6000"),
]
Identity = Annotated[str | bool, PlainValidator(configvalues.identity), WithJsonSchema(_IDENTITY)]
Wan4 = Annotated[
    wansources.Source, PlainValidator(wansources.source4), WithJsonSchema(wansources.SCHEMA4)
]
Wan6 = Annotated[
    wansources.Source, PlainValidator(wansources.source6), WithJsonSchema(wansources.SCHEMA6)
]

Dns64Prefix = Annotated[
    IPv6Network, PlainValidator(configvalues.dns64_prefix), _text(r"^[0-9A-Fa-f:]+/[0-9]+$", "64:ff9b::/96")
]
Network = Annotated[
    Prefix, PlainValidator(configvalues.network), _text(_NETWORK, "192.168.0.0/16", "fd00::/8", "192.0.2.1")
]
ListedAction = Annotated[
    configvalues.Blocking, PlainValidator(configvalues.blocking), WithJsonSchema(_LISTED_ACTION)
]

T = TypeVar("T")
# pydantic's strictness wants tuples, YAML gives lists: it holds for what is in them, not for the list.
Several = Annotated[tuple[T, ...], Field(strict=False)]
Some = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]

# --- Sections ----------------------------------------------------------------------------------------------


class _Taken:
    """Hides a method that pydantic only keeps for its first version: a setting has its name."""

    def __get__(self, *_: object) -> Any:
        raise AttributeError


class Section(BaseModel):
    """Settings that belong together; unknown ones are mistakes, and nothing is converted by itself."""

    validate = _Taken()

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, ignored_types=(_Taken,)
    )


class ViewSettings(Section):
    """What one group of clients sees."""

    clients: Some[Client]
    """Whose queries this view answers: prefixes, addresses, or `any` for everybody whom no prefix names.
    Over all views the longest matching prefix wins."""

    horizon: Some[Horizon]
    """Which variant of a value the view takes: the first in this list that the value has. A value without
    variants is the same for every view."""

    recursion: bool = False
    """Whether its clients may ask for names that are not ours, which are then forwarded."""

    rebinding: Literal["protect", "allow"] = "protect"
    """Whether inside addresses are taken out of what upstreams say (DNS rebinding), but for names that a
    forward rule other than that for `.` covers. Views that look at `outside` only never get any."""

    rebinding_allow: Several[Domain] = ()
    """Domains whose names may have inside addresses all the same, such as `plex.direct`."""

    validate: bool = False
    """Whether what upstreams say is validated (DNSSEC). What does not hold is SERVFAIL; what does has AD.
    Where a forward rule for other names than `.` covers a name, the rule decides."""

    trust_ad: bool = False
    """Whether an upstream's word is taken that it has validated an answer (AD). Only for resolvers that are
    your own, and that nobody sits in front of."""

    dns64: Dns64Prefix | None = None
    """The prefix of a NAT64, such as `64:ff9b::/96`: names without an IPv6 address get one in it, made of
    their IPv4 addresses (RFC 6147)."""

    open_resolver: bool = False
    """Permits `recursion` for `any` or for a large part of the internet. Others will use it as a weapon."""

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        return tuple(client for client in self.clients if not isinstance(client, str))

    @property
    def has_any(self) -> bool:
        return ANY in self.clients


class WanSettings(Section):
    """The network's public addresses, or where they come from."""

    ipv4: Wan4 | None = None
    """What `$wan4` in zones stands for: an address, or who knows it, such as `{interface: wan0}`,
    `{file: …}`, `{command: […]}`, `{http: […]}`, `{upnp: true}` or `{pcp: gateway}`. A private or a
    provider's shared address is refused: nobody on the internet can reach it."""

    ipv6: Wan6 | None = None
    """What `$wan6` in zones stands for, likewise; of the sources, `upnp` and `pcp` know IPv4 only."""

    max_age: Duration = default("24h")
    """How long the last address stays while its source does not answer. Then its records are SERVFAIL."""

    resolvers: Several[Resolver] = ()
    """Public resolvers that `splitdns check --probe` asks what the world is told, such as `9.9.9.9`."""

    @property
    def sources(self) -> dict[int, wansources.Source]:
        """Where the address of each family comes from, as far as that is said."""
        found = {4: self.ipv4, 6: self.ipv6}
        return {family: source for family, source in found.items() if source is not None}


class ForwardRule(Section):
    """Which resolvers are asked for the names under some domains."""

    domains: Some[Domain]
    """The domains, `.` for all; the longest that matches a name decides. A zone wins over a rule for the
    same domain."""

    upstreams: Some[UpstreamAddresses]
    """The resolvers, in order of preference: an address, with or without a port, or a URL: `tls://9.9.9.9`
    with `#` and the name that its certificate must bear, `https://9.9.9.9/dns-query`, `tcp://9.9.9.9`. A URL
    with a name has the name's addresses beside it: `{url: "tls://dns.quad9.net", addresses: [9.9.9.9]}`; `ca`
    is a file of certificates to trust instead of the system's, relative to this file."""

    strategy: Literal["in-order", "fastest", "parallel"] = "in-order"
    """Whom to ask: the first that works, the one that answers soonest, or the three of these at once."""

    validate: bool | None = None
    """Whether answers for these domains are validated, in views that validate. Without it, they are for `.`
    only: the domains of other rules are mostly private, and unsigned."""

    views: Some[ViewName] | None = None
    """The views that this rule is for; without it, all that recurse. For the same domain, a rule that names
    the view wins over one that does not."""

    @property
    def resolvers(self) -> tuple[Upstream, ...]:
        """The upstreams, each address by itself."""
        return tuple(upstream for addresses in self.upstreams for upstream in addresses)


class AdminSettings(Section):
    """The endpoint for those who run the server, over HTTP: /metrics, /health and /ready, and a web page."""

    listen: ListenAddress | None = default("127.0.0.1:9153")
    """Its address and port; `null` for none. Keep it away from the internet."""

    token_file: Path | None = None
    """A file with the token that the page wants to be shown, as the password of any user. Without it, nothing
    can be changed there, and names and clients are only shown where `listen` is a loopback address. Relative
    to this file."""

    names: Several[Domain] = ()
    """The names by which browsers may ask for the page, beside addresses and names without a dot."""


class TcpSettings(Section):
    """What clients may use of TCP (RFC 7766), over all workers together."""

    connections: int = Field(default=1000, ge=1, le=1_000_000)
    """How many connections there may be. Beyond, the one that has been idle longest is closed."""

    connections_per_client: int = Field(default=32, ge=1, le=1_000_000)
    """How many of them one IPv4 address or one IPv6 /64 may have."""

    idle_timeout: Duration = default("10s")
    """How long a connection may rest between two queries."""

    message_timeout: Duration = default("5s")
    """How long a query may take from its first octet to its last."""


class BlocklistSettings(Section):
    """Names that are not asked upstream."""

    file: Path
    """The list; the path is relative to this file. A change of it is picked up by itself."""

    format: Literal["auto", "hosts", "domains", "adblock", "rpz"] = "auto"
    """How it is written: a hosts file; one name a line; an ad blocker's `||name^` rules; a response policy
    zone. `auto` looks at its first lines."""

    action: ListedAction = default("nxdomain")
    """What becomes of its names: `nxdomain`, `nodata`, `refused`, `drop`; `allow`, so that no list has a say;
    or the addresses that are answered. A response policy zone says it by itself."""

    views: Some[ViewName] | None = None
    """The views that it is for; without it, all that recurse."""


class CanarySettings(Section):
    """Names by which programs ask a network whether they may go past its resolver."""

    doh: bool = True
    """Whether `use-application-dns.net` has no addresses, so that Firefox does not switch by itself to a
    public resolver, which knows nothing of your names."""

    private_relay: bool = False
    """Whether `mask.icloud.com` and `mask-h2.icloud.com` do not exist, so that Apple's devices switch private
    relay off in this network, and tell their owners."""


class LimitsSettings(Section):
    """How often networks and clients are answered, over all workers together; 0 is without limit."""

    responses_per_second: int = Field(default=200, ge=0, le=10_000_000)
    """For each network that a view without `recursion` serves, over UDP. Whoever forges a sender's address
    makes us send answers to a victim: no more than these."""

    queries_per_second: int = Field(default=1000, ge=0, le=10_000_000)
    """For each client of a view with `recursion`: an IPv4 address, or an IPv6 /64."""

    window: Duration = default("5s")
    """Who was quiet for so long may ask as much at once as in that time."""

    slip: int = Field(default=2, ge=0, le=100)
    """One in so many answers beyond `responses_per_second` is not left out, but empty with the flag TC: who
    is no forgery asks again over TCP. 0: none."""

    ipv4_prefix: int = Field(default=24, ge=8, le=32)
    """What is one network in IPv4, as the length of its prefix."""

    ipv6_prefix: int = Field(default=56, ge=16, le=128)
    """What is one network in IPv6."""

    exempt: Annotated[tuple[Network, ...], Field(strict=False, max_length=64)] = default(
        ("127.0.0.0/8", "::1/128")
    )
    """Who is never limited: up to 64 prefixes and addresses."""


class CacheSettings(Section):
    """What upstreams said, and how long it is kept. Each worker has a cache of its own."""

    size_mib: int = Field(default=64, ge=1, le=1_048_576)
    """How much each worker keeps, in MiB. Beyond, names that were not used lately are forgotten."""

    min_ttl: DurationOrNone = 0
    """Shorter TTLs of upstreams' records are raised to this, but 0 stays 0. What is moved from one address to
    another in that time is not found."""

    max_ttl: Duration = default("24h")
    """Longer TTLs of upstreams' records are cut to this."""

    max_negative_ttl: Duration = default("3h")
    """How long "no such name" and "no such type" are kept at most (RFC 2308)."""

    max_stale: DurationOrNone = default("24h")
    """How long what is too old is kept, and given while the upstreams fail (RFC 8767); `0` for not at all."""

    prefetch: bool = True
    """Whether what is often asked for is asked anew shortly before it is too old."""


class LogSettings(Section):
    """The log, on standard error."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important event that is still logged."""


class QueryLogFileSettings(Section):
    """A file for the query log, which all workers share; a new one is made when somebody moves it away."""

    path: Path
    """Its path. The server's user must be able to make files beside it. Relative to this file."""

    max_mib: int = Field(default=100, ge=1, le=1_048_576)
    """How large it may become, in MiB, before it is put aside."""

    every: DurationOrNone = default("24h")
    """When it is put aside anyway; a day ends at midnight UTC. `0` is never."""

    keep: int = Field(default=7, ge=0, le=1000)
    """How many of those put aside are kept: `path.1` is the newest. `0` leaves it to another program, such as
    logrotate."""


class DnstapSettings(Section):
    """Queries and answers, sent to a program that collects them."""

    to: Collector
    """Where it listens: the path of a socket, relative to this file, or `address:port`."""

    identity: Identity = True
    """The name of this server in what is sent: `true` for the host's name, `false` for none, or a text."""


class IdentitySettings(Section):
    """What the server tells about itself; nothing unless it is switched on."""

    version: Identity = False
    """The answer to `version.bind` (CH TXT): `true` for name and version of the program, or a text."""

    id: Identity = False
    """The answer to `id.server` and `hostname.bind` (CH TXT, RFC 4892) and to NSID (RFC 5001): `true` for the
    host's name, or a text."""
