"""All of ``splitdns.yaml``: what is at its top, how it is read, and every mistake in it.

pydantic checks the types and finds every mistake; the words in which a person reads them are ours, and the
places are YAML's. Whether the settings fit together is ``crosschecks``' part, and it also runs over what is
right in a file where something else is wrong, so that everything is reported at once.

>>> settings = read_settings("listen: ['127.0.0.1:5300']", "splitdns.yaml")
>>> [str(listen) for listen in settings.listen], sorted(settings.views)
(['127.0.0.1:5300'], ['inside', 'outside'])
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import Field, PrivateAttr, ValidationError

from splitdns import __version__
from splitdns.errors import ConfigError, Problems, Where
from splitdns.load import configvalues, containers, gateway, marked, sections, sources
from splitdns.load.anchors import IANA, Anchors, negative
from splitdns.load.configvalues import ANY, shown
from splitdns.load.crosschecks import Complaints, Parts, check
from splitdns.load.gateway import GatewaySettings
from splitdns.load.machine import Machine
from splitdns.load.mistakes import in_our_words
from splitdns.load.sections import (
    AdminSettings,
    BlocklistSettings,
    CacheSettings,
    CanarySettings,
    DnstapSettings,
    Domain,
    ForwardRule,
    IdentitySettings,
    LimitsSettings,
    ListenAddress,
    LogSettings,
    Path,
    QueryLogFileSettings,
    Section,
    Several,
    Some,
    TcpSettings,
    ViewName,
    ViewSettings,
    WanSettings,
    Whoami,
    Workers,
    default,
)
from splitdns.load.sources import SourcesSettings
from splitdns.names import ROOT, Qname
from splitdns.snapshot import Manners
from splitdns.view import Strategy, UpstreamSet, Validation

EMBEDDED = "the embedded default"

_FOR_INSIDE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"]
_FOR_INSIDE += ["::1/128", "fc00::/7", "fe80::/10"]
_CGNAT = "100.64.0.0/10"
_DEFAULT_VIEWS: dict[str, Any] = {
    "inside": {"clients": [*_FOR_INSIDE, _CGNAT], "horizon": ["inside"], "recursion": True},
    "outside": {"clients": [ANY], "horizon": ["outside"], "recursion": False},
}


class Settings(Section):
    """All of `splitdns.yaml`. What is left out has the embedded default's value."""

    listen: Some[ListenAddress] = default(("127.0.0.1:5353", "[::1]:5353"))
    """Where to answer, over UDP and TCP on each: IPv4 address, or IPv6 address in brackets, and port."""

    workers: Workers = default("auto")
    """How many processes answer; `auto` is one per core."""

    views: Annotated[dict[ViewName, ViewSettings], Field(min_length=1)] = default(_DEFAULT_VIEWS)
    """Who sees what, by a name of your choice. The default: the networks of RFC 1918, RFC 4193 and RFC 6598,
    link-local and loopback are inside, everybody else is outside. 100.64.0.0/10 is left out where the
    machine's own uplink is in it."""

    zones: Several[Path] = ("zones/",)
    """Zone files, and directories of them: `*.yaml` and RFC 1035 master files, `*.zone`. Paths are relative
    to this file."""

    wan: WanSettings = default({})
    """The network's own public addresses, for `$wan4` and `$wan6` in zones."""

    sources: SourcesSettings = default({})
    """Who else knows names, beside the zone files."""

    forward: Several[ForwardRule] = ()
    """Where names that are not ours are asked, for views that recurse. Left out: the resolvers that the
    machine itself uses, for all names; `[]`: nowhere."""

    cache: CacheSettings = default({})
    """What upstreams said, and how long it is kept."""

    trust_anchors: Path | None = None
    """A file with the keys that signatures are traced back to: DS or DNSKEY records, one a line. Without it,
    the root's, as IANA publishes them. Relative to this file."""

    negative_trust_anchors: Several[Domain] = ()
    """Domains in which nothing is validated, though their parents say that they are signed (RFC 7646).
    Special-use names and the domains of forward rules are among them by themselves."""

    blocklists: Several[BlocklistSettings] = ()
    """Lists of names, from files, that are not asked upstream."""

    special_names: bool = True
    """Whether special-use names (RFC 6761: `localhost`, `local`, `onion`, `home.arpa` and more) are answered
    here, in views that recurse, instead of being forwarded. A zone or a forward rule for one comes first."""

    whoami: Whoami | None = default("whoami.splitdns.internal")
    """The name at which clients are told who they are to this server: view, address, matched prefix. It is
    answered in views that recurse, and in those that have a zone above it; `null` for none. Who is outside
    is told no more than that, and its own address."""

    canaries: CanarySettings = default({})
    """What programs are told that ask whether they may go past this resolver."""

    gateway: GatewaySettings | None = None
    """The gateway and what is around it, for the exposure check."""

    compiled: Path | None = default("auto")
    """Where large zones are kept as they are served, so that the next start need not read them: a directory,
    relative to this file. `auto`: `splitdns` among the user's or the service's caches; `null`: nowhere."""

    control: Path | None = default("/run/splitdns/control.sock")
    """Where `splitdns flush` meets the server: a socket that only the server's own user and root can open,
    made at the start; `null` for none. Relative to this file."""

    admin: AdminSettings = default({})
    """Metrics and health."""

    tcp: TcpSettings = default({})
    """Limits of TCP connections."""

    limits: LimitsSettings = default({})
    """How often networks and clients are answered."""

    log: LogSettings = default({})
    """What is logged, and how."""

    querylog: bool = False
    """Whether each query is logged: client, view, matched prefix, name, type, rcode, where the answer came
    from, and how long it took."""

    querylog_file: QueryLogFileSettings | None = None
    """Where the query log is written, instead of standard output."""

    dnstap: DnstapSettings | None = None
    """Where queries and answers are sent as dnstap."""

    identity: IdentitySettings = default({})
    """What the server tells about itself."""

    minimal_any: bool = True
    """Whether a query for ANY gets one RRset only (RFC 8482), which makes it useless for attacks."""

    edns_payload: int = Field(default=1232, ge=512, le=4096)
    """The largest UDP answer in octets. Above 1232, answers may be fragmented, and fragments get lost."""

    _document: marked.Document = PrivateAttr()
    _anchors: Anchors = PrivateAttr(default=IANA)

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
        rules = general | own
        validated = {domain: self._validates(view, domain, rule) for domain, rule in rules.items()}
        private = (domain for domain, is_validated in validated.items() if not is_validated)
        avoided = negative(self.negative_trust_anchors, private, self._anchors)
        validation = Validation(self._anchors, avoided) if any(validated.values()) else None
        trust_ad = self.views[view].trust_ad
        return {
            domain: replace(
                self._upstreams(rule),
                validation=validation if validated[domain] else None,
                trust_ad=trust_ad and not validated[domain],
            )
            for domain, rule in rules.items()
        }

    def _validates(self, view: str, domain: Qname, rule: ForwardRule) -> bool:
        by_rule = domain == ROOT if rule.validate is None else rule.validate
        return self.views[view].validate and by_rule

    def believe(self, anchors: Anchors) -> None:
        """Trace signatures back to these keys instead of the root's."""
        self._anchors = anchors

    def _upstreams(self, rule: ForwardRule) -> UpstreamSet:
        base = pathlib.Path(self.where(()).file).parent
        placed = (one if one.ca is None else replace(one, ca=str(base / one.ca)) for one in rule.resolvers)
        return UpstreamSet(tuple(placed), strategy=Strategy(rule.strategy))

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
        parts = Parts(
            dict(enumerate(settings.listen)),
            settings.views,
            dict(enumerate(settings.forward)),
            horizons=dict(settings.sources.horizons),
        )
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

    files = (__file__, sections.__file__, gateway.__file__, sources.__file__, containers.__file__)
    return described(Settings.model_json_schema(), *files)
