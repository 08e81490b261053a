"""OpenWrt's configuration as a gateway: /etc/config/network, firewall and dhcp, read together.

Beside them may stand what ``ubus call network.interface dump`` prints, for addresses that are leased.

The firewall is what fw4 (OpenWrt 22.03 and newer) loads for it, chain by chain, with the same names: what
``nft list ruleset`` shows on the router is found here again. Each rule knows the section that it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from splitdns.check.dialects.openwrt.chains import chains_of
from splitdns.check.dialects.openwrt.ipsets import read_ipsets
from splitdns.check.dialects.openwrt.leases import filled_sets, hosts_of
from splitdns.check.dialects.openwrt.matching import Known
from splitdns.check.dialects.openwrt.network import Networks
from splitdns.check.dialects.openwrt.options import Options, each
from splitdns.check.dialects.openwrt.redirects import read_nat, read_redirect
from splitdns.check.dialects.openwrt.rules import Placed, read_forwarding, read_rule
from splitdns.check.dialects.openwrt.status import Status, parted, read_status
from splitdns.check.dialects.openwrt.uci import Section
from splitdns.check.dialects.openwrt.uci import read as read_uci
from splitdns.check.dialects.openwrt.zones import Zone, read_defaults, read_zones
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Network, Note, Origin, Ruleset, Support
from splitdns.errors import ConfigError, Problems, Where

Read = Callable[[Options, Known], Iterator[Placed]]

# In the order in which fw4 reads them (fw4.uc, load): whatever their order in the file.
_SECTIONS: tuple[tuple[str, Read], ...] = (
    ("rule", read_rule),
    ("forwarding", read_forwarding),
    ("redirect", read_redirect),
    ("nat", read_nat),
)
_READ_ELSEWHERE = {"defaults", "zone", "ipset"}
_PACKAGES = {"network", "firewall", "dhcp"}
# Packages whose programs load rules or routes of their own while the router runs.
_PROGRAMS = {
    "adblock-fast", "banip", "bcp38", "clash", "dockerd", "homeproxy", "miniupnpd", "mwan3", "natmap",
    "nodogsplash", "openclash", "opennds", "passwall", "pbr", "shadowsocks-libev", "tailscale", "upnpd",
    "v2raya", "vpn-policy-routing", "xray",
}  # fmt: skip


def read(texts: Sequence[Printed], around: Network) -> Device:
    """What the texts tell together; ``around`` tells addresses that are not in them, such as leased ones.

    Raises:
        ExceptionGroup[ConfigError]: every mistake in every text, or that there is no firewall among them.
    """
    problems = Problems()
    status: dict[str, Status] = {}
    configuration = []
    for printed in texts:
        written, now = parted(printed)
        if written.text.strip():
            configuration.append(written)
        if now.text.strip():
            try:
                status.update(read_status(now))
            except ConfigError as error:
                problems.error(error)
    sections = read_uci(configuration or texts)
    notes: list[Note] = []
    networks = Networks(sections, around, notes, problems, status)
    firewall = [one for one in sections if one.package == "firewall"]
    where = firewall[0].where if firewall else Where(texts[0].file, 1, 1)
    if not firewall:
        expected = "expected the package firewall (/etc/config/firewall) among the texts"
        problems.error(ConfigError(where, f"{expected}, found {_packages(sections)}"))
    defaults = read_defaults(firewall, notes)
    zones = read_zones(firewall, networks.nets, defaults, notes)
    sets = read_ipsets(firewall, networks.nets, filled_sets(sections), notes)
    known = Known(zones, networks.nets, sets, defaults)
    placed = [one for kind, read_one in _SECTIONS for one in _placed(firewall, kind, read_one, known, notes)]
    _note_others(sections, notes)
    hosts = tuple(hosts_of(sections, networks.nets.values(), problems))
    problems.raise_errors("the OpenWrt configuration is wrong")
    counted = sum(1 for one in firewall for kind, _ in _SECTIONS if one.type == kind)
    ruleset = Ruleset(chains_of(defaults, zones, placed, where), tuple(notes), counted)
    return Device(ruleset, networks.network(_uplinks(networks, zones)), hosts)


def _placed(
    sections: Sequence[Section], kind: str, read_one: Read, known: Known, notes: list[Note]
) -> Iterator[Placed]:
    for _, placed in each(sections, kind, notes, lambda options: list(read_one(options, known))):
        yield from placed


def _packages(sections: Sequence[Section]) -> str:
    return ", ".join(dict.fromkeys(one.package for one in sections)) or "none"


def _note_others(sections: Sequence[Section], notes: list[Note]) -> None:
    told: set[str] = set()
    for section in sections:
        origin = Origin(section.where, section.words())
        if section.package == "firewall" and section.type == "include":
            _note_include(section, origin, notes)
        elif section.package == "firewall":
            if section.type not in _READ_ELSEWHERE and section.type not in dict(_SECTIONS):
                reason = "fw4 does not know it, and passes over it"
                notes.append(Note(Support.IGNORED, f"config {section.type}", origin, reason))
        elif section.package not in _PACKAGES and section.package not in told:
            told.add(section.package)
            if section.package in _PROGRAMS:
                reason = "it loads rules of its own: give nft -j list ruleset (dialect nftables) instead"
                notes.append(Note(Support.REFUSED, f"package {section.package}", origin, reason))
            else:
                reason = "it tells nothing of rules and addresses"
                notes.append(Note(Support.IGNORED, f"package {section.package}", origin, reason))


def _note_include(section: Section, origin: Origin, notes: list[Note]) -> None:
    said = {name: option.values[0] for name, option in section.options.items()}
    is_script = said.get("type", "script") == "script"
    compatible = said.get("fw4_compatible", "0" if said.get("path") == "/etc/firewall.user" else "1")
    off = said.get("enabled") in ("0", "off", "no", "false")
    if off or (is_script and compatible in ("0", "off", "no", "false")):
        reason = "it is disabled" if off else "fw4 leaves it out: it is not marked fw4_compatible"
        notes.append(Note(Support.IGNORED, "include", origin, reason))
        return
    reason = "what it loads is not in this file: give nft -j list ruleset (dialect nftables) instead"
    notes.append(Note(Support.REFUSED, "include", origin, reason))


def _uplinks(networks: Networks, zones: dict[str, Zone]) -> frozenset[str]:
    """The devices of default routes; where there is none, those of zones that masquerade."""
    lending = {net.device for net in networks.nets.values() if net.lends}
    lending |= {
        route.interface
        for route in networks.routes
        if route.prefix.prefixlen == 0 and route.kind == "unicast" and route.table == "main"
        if route.interface is not None
    }
    if lending:
        return frozenset(lending)
    return frozenset(
        name for zone in zones.values() if zone.masq[4] for _, names, _, _ in zone.matches for name in names
    )
