"""Findings: what a person should know, under a code that never changes its meaning.

Each code has its page in ``docs/findings``: what it means, an example, the remedy.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from splitdns.check.model import Origin
from splitdns.check.verdict import Outcome, Packets, Verdict
from splitdns.errors import Where
from splitdns.value import value


class Severity(IntEnum):
    """How bad it is; a larger one is worse."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Code(StrEnum):
    """What is found; the severities are ``SEVERITIES``."""

    DNS_VIEW_LOST = "DNS-VIEW-LOST"
    EXP_OPEN_RESOLVER = "EXP-OPEN-RESOLVER"
    EXP_ADMIN = "EXP-ADMIN"
    EXP_V6_OPEN = "EXP-V6-OPEN"
    NAT_HIJACK_OUT = "NAT-HIJACK-OUT"

    FWD_OFF = "FWD-OFF"
    FWD_MISSING = "FWD-MISSING"
    FWD_WRONG_HOST = "FWD-WRONG-HOST"
    FWD_WRONG_PORT = "FWD-WRONG-PORT"
    FWD_SHADOWED = "FWD-SHADOWED"
    FWD_FILTERED = "FWD-FILTERED"
    FWD_PRENAT_MATCH = "FWD-PRENAT-MATCH"
    HP_MISSING = "HP-MISSING"
    HP_DNAT_WAN_ONLY = "HP-DNAT-WAN-ONLY"
    HP_FILTERED = "HP-FILTERED"
    HP_SELF = "HP-SELF"
    HP_BRIDGE_NF = "HP-BRIDGE-NF"
    HP_ZONE_UNCOVERED = "HP-ZONE-UNCOVERED"
    DNS_PORT_TRANSLATED = "DNS-PORT-TRANSLATED"
    DNS_WAN_STALE = "DNS-WAN-STALE"
    DNS_PRIVATE_PUBLIC = "DNS-PRIVATE-PUBLIC"
    DNS_V6_SPLIT_LEAK = "DNS-V6-SPLIT-LEAK"
    RED53_ASYM = "RED53-ASYM"
    RED53_LOOP = "RED53-LOOP"
    ROUTE_HOST_BYPASS = "ROUTE-HOST-BYPASS"
    ASYM_GATEWAY = "ASYM-GATEWAY"

    EXP_UNNAMED = "EXP-UNNAMED"
    EXP_DYNAMIC = "EXP-DYNAMIC"
    EXP_DOCKER_BYPASS = "EXP-DOCKER-BYPASS"
    EXP_WIDE_RANGE = "EXP-WIDE-RANGE"
    SRC_LOST_WAN = "SRC-LOST-WAN"
    NAT_CAPTURES_ROUTER = "NAT-CAPTURES-ROUTER"
    NAT_DEAD_TARGET = "NAT-DEAD-TARGET"
    TGT_DHCP = "TGT-DHCP"
    WAN_DYNAMIC_LITERAL = "WAN-DYNAMIC-LITERAL"
    WAN_CGNAT = "WAN-CGNAT"
    RED53_PARTIAL = "RED53-PARTIAL"
    DNS_NAME_NO_SERVICE = "DNS-NAME-NO-SERVICE"
    ACCEPT_STALE = "ACCEPT-STALE"
    RULE_CONFLICT_TABLES = "RULE-CONFLICT-TABLES"

    HP_UNNEEDED = "HP-UNNEEDED"
    HP_ONLY_FALLBACK = "HP-ONLY-FALLBACK"
    SRC_LOST_HAIRPIN = "SRC-LOST-HAIRPIN"
    MODEL_UNKNOWN = "MODEL-UNKNOWN"

    @property
    def severity(self) -> Severity:
        return _SEVERITIES[self]


_WORST = (
    Code.DNS_VIEW_LOST,
    Code.EXP_OPEN_RESOLVER,
    Code.EXP_ADMIN,
    Code.EXP_V6_OPEN,
    Code.NAT_HIJACK_OUT,
)
_WARNINGS = (
    Code.EXP_UNNAMED,
    Code.EXP_DYNAMIC,
    Code.EXP_DOCKER_BYPASS,
    Code.EXP_WIDE_RANGE,
    Code.SRC_LOST_WAN,
    Code.NAT_CAPTURES_ROUTER,
    Code.NAT_DEAD_TARGET,
    Code.TGT_DHCP,
    Code.WAN_DYNAMIC_LITERAL,
    Code.WAN_CGNAT,
    Code.RED53_PARTIAL,
    Code.DNS_NAME_NO_SERVICE,
    Code.ACCEPT_STALE,
    Code.RULE_CONFLICT_TABLES,
)
_INFOS = (Code.HP_UNNEEDED, Code.HP_ONLY_FALLBACK, Code.SRC_LOST_HAIRPIN, Code.MODEL_UNKNOWN)
_SEVERITIES = (
    dict.fromkeys(Code, Severity.ERROR)
    | dict.fromkeys(_WORST, Severity.CRITICAL)
    | dict.fromkeys(_WARNINGS, Severity.WARNING)
    | dict.fromkeys(_INFOS, Severity.INFO)
)


@value(frozen=True, slots=True)
class Witness:
    """One packet that shows it, and how its connection ends; ``packets`` hold one number in each field."""

    clients: str
    packets: Packets
    outcome: Outcome | None = None


@value(frozen=True, slots=True)
class Finding:
    """One thing that a person should know.

    ``message`` is one line. ``subject`` is the service as text ("" where it is about none), ``clients`` whom
    it is about, by name. ``rules`` are those that made it so; ``where`` is the first place to look: in a
    zone, the configuration or the rules. ``remedy`` is one phrase. ``reasons`` say what was not modelled,
    where the finding is not certain.
    """

    code: Code
    message: str
    subject: str = ""
    clients: tuple[str, ...] = ()
    witness: Witness | None = None
    rules: tuple[Origin, ...] = ()
    where: Where | None = None
    remedy: str = ""
    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()
    severity_override: Severity | None = None

    @property
    def severity(self) -> Severity:
        return self.severity_override or self.code.severity
