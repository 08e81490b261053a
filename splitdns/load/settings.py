"""The schema of ``splitdns.yaml``: a setting is one field, with its documentation beneath it.

pydantic checks the types and finds every mistake; the words in which a person reads them are ours, and the
places are YAML's. Whether the settings fit together is ``crosschecks``' part, and it also runs over what is
right in a file where something else is wrong, so that everything is reported at once.

>>> settings = read_settings("listen: ['127.0.0.1:5300']", "splitdns.yaml")
>>> [str(listen) for listen in settings.listen], sorted(settings.views)
(['127.0.0.1:5300'], ['inside', 'outside'])
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
)

from splitdns import __version__
from splitdns.errors import ConfigError, Problems, Where
from splitdns.load import configvalues, marked
from splitdns.load.configvalues import ANY, Listen, shown
from splitdns.load.crosschecks import Complaints, Parts, check
from splitdns.load.machine import Machine
from splitdns.load.mistakes import in_our_words
from splitdns.names import Qname
from splitdns.snapshot import Manners
from splitdns.view import Prefix, Upstream, UpstreamSet

EMBEDDED = "the embedded default"

# --- Values: how each is read, and how an editor may check it ----------------------------------------------


def _default(value: Any) -> Any:
    """A default as a person would write it; it is read like any other value."""
    return Field(default=value)


def _text(pattern: str, *examples: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples), **more})


_PORT = r"(:[0-9]{1,5})?"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
_OWN_ADDRESS = rf"^([0-9.]+|\[[^\]]*:[^\]]*\]){_PORT}$"
_UPSTREAM = rf"^([0-9.]+{_PORT}|\[[^\]]*:[^\]]*\]{_PORT}|[^\[\]]*:[^\[\]]*:[^\[\]]*)$"
_CLIENT = r"^(any|[0-9.]+(/[0-9]+)?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/[0-9]+)?)$"
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
_IDENTITY = {"type": ["boolean", "string"], "minLength": 1, "maxLength": configvalues.MAX_IDENTITY_OCTETS}
_NO_HORIZON = {"enum": list(configvalues.NO_HORIZONS)}

ListenAddress = Annotated[
    Listen,
    PlainValidator(configvalues.listen),
    _text(_OWN_ADDRESS, "0.0.0.0:53", "[::]:53", "192.168.1.1:53"),
]
UpstreamAddress = Annotated[
    Upstream, PlainValidator(configvalues.upstream), _text(_UPSTREAM, "9.9.9.9", "[2001:db8::1]:53")
]
Client = Annotated[
    configvalues.Client,
    PlainValidator(configvalues.client),
    _text(_CLIENT, "192.168.0.0/16", "fd00::/8", "any"),
]
Domain = Annotated[Qname, PlainValidator(configvalues.domain), _text(r"^\S+$", ".", "corp.example")]
Duration = Annotated[int, PlainValidator(configvalues.duration_s), WithJsonSchema(_DURATION)]
Horizon = Annotated[
    str,
    PlainValidator(configvalues.horizon),
    _text(_NAME, "inside", "outside", "vpn", **{"not": _NO_HORIZON}),
]
ViewName = Annotated[str, PlainValidator(configvalues.view_name), _text(_NAME, "lan", "vpn", "internet")]
Path = Annotated[str, PlainValidator(configvalues.path), _text(r"^[^\u0000]+$", "zones/")]
Workers = Annotated[int | None, PlainValidator(configvalues.workers), WithJsonSchema(_WORKERS)]
Identity = Annotated[str | bool, PlainValidator(configvalues.identity), WithJsonSchema(_IDENTITY)]
Wan4 = Annotated[IPv4Address, PlainValidator(configvalues.wan4), _text(r"^[0-9.]+$", "203.0.113.7")]
Wan6 = Annotated[IPv6Address, PlainValidator(configvalues.wan6), _text(r"^[0-9A-Fa-f:.]+$", "2001:db8::7")]

T = TypeVar("T")
# pydantic's strictness wants tuples, YAML gives lists: it holds for what is in them, not for the list.
Several = Annotated[tuple[T, ...], Field(strict=False)]
Some = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]

_FOR_INSIDE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"]
_FOR_INSIDE += ["::1/128", "fc00::/7", "fe80::/10"]
_CGNAT = "100.64.0.0/10"
_DEFAULT_VIEWS: dict[str, Any] = {
    "inside": {"clients": [*_FOR_INSIDE, _CGNAT], "horizon": ["inside"], "recursion": True},
    "outside": {"clients": [ANY], "horizon": ["outside"], "recursion": False},
}

# --- Settings ----------------------------------------------------------------------------------------------


class Section(BaseModel):
    """Settings that belong together; unknown ones are mistakes, and nothing is converted by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


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

    open_resolver: bool = False
    """Permits `recursion` for `any` or for a large part of the internet. Others will use it as a weapon."""

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        return tuple(client for client in self.clients if not isinstance(client, str))

    @property
    def has_any(self) -> bool:
        return ANY in self.clients


class WanSettings(Section):
    """The network's public addresses."""

    ipv4: Wan4 | None = None
    """What `$wan4` in zones stands for. A private or a provider's shared address is refused: nobody on the
    internet can reach it."""

    ipv6: Wan6 | None = None
    """What `$wan6` in zones stands for."""


class ForwardRule(Section):
    """Which resolvers are asked for the names under some domains."""

    domains: Some[Domain]
    """The domains, `.` for all; the longest that matches a name decides. A zone wins over a rule for the
    same domain."""

    upstreams: Some[UpstreamAddress]
    """The resolvers, in order of preference: address, or address and port."""

    views: Some[ViewName] | None = None
    """The views that this rule is for; without it, all that recurse. For the same domain, a rule that names
    the view wins over one that does not."""


class AdminSettings(Section):
    """The endpoint for those who run the server: /metrics, /health and /ready, over HTTP."""

    listen: ListenAddress | None = _default("127.0.0.1:9153")
    """Its address and port; `null` for none. Keep it away from the internet."""


class TcpSettings(Section):
    """What clients may use of TCP (RFC 7766), over all workers together."""

    connections: int = Field(default=1000, ge=1, le=1_000_000)
    """How many connections there may be. Beyond, the one that has been idle longest is closed."""

    connections_per_client: int = Field(default=32, ge=1, le=1_000_000)
    """How many of them one IPv4 address or one IPv6 /64 may have."""

    idle_timeout: Duration = _default("10s")
    """How long a connection may rest between two queries."""

    message_timeout: Duration = _default("5s")
    """How long a query may take from its first octet to its last."""


class LogSettings(Section):
    """The log, on standard error."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important event that is still logged."""


class IdentitySettings(Section):
    """What the server tells about itself; nothing unless it is switched on."""

    version: Identity = False
    """The answer to `version.bind` (CH TXT): `true` for name and version of the program, or a text."""

    id: Identity = False
    """The answer to `id.server` and `hostname.bind` (CH TXT, RFC 4892) and to NSID (RFC 5001): `true` for the
    host's name, or a text."""


class Settings(Section):
    """All of `splitdns.yaml`. What is left out has the embedded default's value."""

    listen: Some[ListenAddress] = _default(("127.0.0.1:5353", "[::1]:5353"))
    """Where to answer, over UDP and TCP on each: IPv4 address, or IPv6 address in brackets, and port."""

    workers: Workers = _default("auto")
    """How many processes answer; `auto` is one per core."""

    views: Annotated[dict[ViewName, ViewSettings], Field(min_length=1)] = _default(_DEFAULT_VIEWS)
    """Who sees what, by a name of your choice. The default: the networks of RFC 1918, RFC 4193 and RFC 6598,
    link-local and loopback are inside, everybody else is outside. 100.64.0.0/10 is left out where the
    machine's own uplink is in it."""

    zones: Several[Path] = ("zones/",)
    """Zone files, and directories of them: `*.yaml` and RFC 1035 master files, `*.zone`. Paths are relative
    to this file."""

    wan: WanSettings = _default({})
    """The network's own public addresses, for `$wan4` and `$wan6` in zones."""

    forward: Several[ForwardRule] = ()
    """Where names that are not ours are asked, for views that recurse. Left out: the resolvers that the
    machine itself uses, for all names; `[]`: nowhere."""

    gateway: dict[str, Any] | None = None
    """The gateway's rules, for the exposure check. Reserved: it is accepted, and not read yet."""

    admin: AdminSettings = _default({})
    """Metrics and health."""

    tcp: TcpSettings = _default({})
    """Limits of TCP connections."""

    log: LogSettings = _default({})
    """What is logged, and how."""

    querylog: bool = False
    """Whether each query is logged: client, view, matched prefix, name, type, rcode, where the answer came
    from, and how long it took."""

    identity: IdentitySettings = _default({})
    """What the server tells about itself."""

    minimal_any: bool = True
    """Whether a query for ANY gets one RRset only (RFC 8482), which makes it useless for attacks."""

    edns_payload: int = Field(default=1232, ge=512, le=4096)
    """The largest UDP answer in octets. Above 1232, answers may be fragmented, and fragments get lost."""

    _document: marked.Document = PrivateAttr()

    def where(self, path: marked.Path) -> Where:
        """Where the value at ``path``, such as ``("views", "lan")``, was written, or what is around it."""
        return self._document.where(path)

    def where_key(self, path: marked.Path) -> Where:
        """Where the key of the value at ``path`` was written."""
        return self._document.where_key(path)

    def is_written(self, name: str) -> bool:
        """Whether the file itself has the setting ``name``, at its top."""
        return isinstance(self._document.data, dict) and name in self._document.data

    def routes(self, view: str) -> dict[Qname, UpstreamSet]:
        """The forward rules of a view by domain; none where it does not recurse."""
        if not self.views[view].recursion:
            return {}
        general = {domain: rule for rule in self.forward if rule.views is None for domain in rule.domains}
        own = {domain: rule for rule in self.forward if view in (rule.views or ()) for domain in rule.domains}
        return {domain: UpstreamSet(rule.upstreams) for domain, rule in (general | own).items()}

    def manners(self, host_name: str) -> Manners:
        """How to answer; ``host_name`` is the machine's."""
        return Manners(
            minimal_any=self.minimal_any,
            payload_octets=self.edns_payload,
            version=_told(self.identity.version, f"splitdns {__version__}"),
            server_id=_told(self.identity.id, host_name),
        )


def _told(identity: str | bool, usual: str) -> str | None:
    return identity if isinstance(identity, str) else usual if identity else None


# --- Reading -----------------------------------------------------------------------------------------------


def default_settings(machine: Machine | None = None) -> Settings:
    """What holds without any configuration."""
    return read_settings("", EMBEDDED, machine)


def read_settings(text: str, file: str, machine: Machine | None = None) -> Settings:
    """Read ``splitdns.yaml``; ``machine`` gives what the default takes from it (None: nothing).

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    problems = Problems()
    document = marked.scan(text, file, problems)
    settings = _validated(document, machine or Machine(), problems) if document else None
    problems.raise_errors(file)
    assert settings is not None  # without settings there was an error
    return settings


def _validated(document: marked.Document, machine: Machine, problems: Problems) -> Settings | None:
    broken = {error.where for error in problems.errors}  # in YAML already: no second error at its place

    def complain(where: Where, message: str) -> None:
        if where not in broken:
            problems.error(ConfigError(where, message))

    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        complain(document.where(()), f"expected settings, like 'listen: …', found {shown(data)}")
        return None
    given: dict[str, Any] = dict(data)
    if "views" not in given and machine.cgnat_is_outside:
        given["views"] = _without_cgnat()
    settings = None
    try:
        settings = Settings.model_validate(given)
        parts = Parts(dict(enumerate(settings.listen)), settings.views, dict(enumerate(settings.forward)))
    except ValidationError as fault:
        for error in fault.errors(include_url=False):
            if error["type"] == "too_short" and error["input"]:
                continue  # it is short of what is right: what is wrong is reported itself
            complain(*in_our_words(document, Settings, error))
        parts = _readable(given)
    complaints = Complaints(
        lambda path, message: complain(document.where(path), message),
        lambda path, message: complain(document.where_key(path), message),
        lambda path: document.where(path).line,
    )
    check(parts, complaints)
    if settings is not None:
        settings = settings if "forward" in given else _with_resolvers(settings, machine)
        settings._document = document
    return settings


def _with_resolvers(settings: Settings, machine: Machine) -> Settings:
    """The settings with a rule for all names: they are asked where the machine itself asks."""
    resolvers = machine.resolvers(settings.listen)
    if not resolvers or not any(view.recursion for view in settings.views.values()):
        return settings
    rule = ForwardRule.model_validate({"domains": ["."], "upstreams": [str(one) for one in resolvers]})
    return settings.model_copy(update={"forward": (rule,)})


def _without_cgnat() -> dict[str, Any]:
    inside = _DEFAULT_VIEWS["inside"]
    return _DEFAULT_VIEWS | {"inside": inside | {"clients": list(_FOR_INSIDE)}}


def _readable(data: Mapping[str, Any]) -> Parts:
    """The single views, rules and addresses that are right, in a file where something is not."""
    listen = {}
    for index, one in _items(data.get("listen"), list):
        try:
            listen[index] = configvalues.listen(one)
        except ValueError:
            continue
    written = _items(data.get("views", _DEFAULT_VIEWS), dict)
    if not written:  # then no rule can be told to be wrong
        return Parts(listen, {}, {})
    views = _each(ViewSettings, written)
    unread = frozenset(name for name, _ in written if name not in views)
    return Parts(listen, views, _each(ForwardRule, _items(data.get("forward"), list)), unread)


M = TypeVar("M", bound=Section)


def _each(model: type[M], items: list[tuple[Any, Any]]) -> dict[Any, M]:
    found = {}
    for key, one in items:
        try:
            found[key] = model.model_validate(one)
        except ValidationError:
            continue
    return found


def _items(data: Any, kind: type[Any]) -> list[tuple[Any, Any]]:
    """Keys or indices and values of what should be of ``kind``; none of anything else."""
    if isinstance(data, kind):
        return list(data.items()) if kind is dict else list(enumerate(data))
    return []


# --- For editors -------------------------------------------------------------------------------------------


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``splitdns.yaml``."""
    from splitdns.load.schema import described  # reads this file, which serving needs not

    return described(Settings.model_json_schema(), __file__)
