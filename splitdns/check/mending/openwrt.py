"""Changes as ``uci`` commands: sections with names of their own, before all others, so that undo is exact.

Where fw4's reflection does what is needed, it is used: by switching it on for the redirect that is there,
else in the redirect that is new. Where it cannot (a zone that does not masquerade, an address that is not the
gateway's), each zone gets a redirect of its own, and a nat section hides the clients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, RedirectDns, SpareDns
from splitdns.check.mending.fw4 import Fw4, Section
from splitdns.check.mending.spelling import clients_of, ports_of
from splitdns.check.model import Gateway
from splitdns.check.sets import Numbers, numbers_of
from splitdns.check.traffic import DNS_PORT

OURS = "splitdns"  # how names of sections begin
_FAMILIES = {4: "ipv4", 6: "ipv6"}
MAX_PORTS = 100  # of a range that is shifted; beyond it, redirects by port are nothing for a person to keep
_LISTS = ("reflection_zone",)
_OFF = ("0", "off", "no", "false")

Value = str | list[str]


def written(
    changes: Sequence[Change], gateway: Gateway, earlier: Sequence[Change] = ()
) -> tuple[list[str], list[str]]:
    """Commands that make the changes, and those that undo them; for a shell on the router.

    ``earlier`` changes of the same gateway have been written before.
    """
    writer = _Writer(Fw4(gateway))
    for one in earlier:
        writer.remember(one)
    return writer.written(changes)


class _Writer:
    def __init__(self, fw4: Fw4) -> None:
        self._fw4 = fw4
        self._do: list[str] = []
        self._undo: list[str] = []
        self._reflected: list[Forward] = []
        self._touched: dict[str, None] = {}

    def remember(self, change: Change) -> None:
        """What reflections of an earlier change do, needs no more doing."""
        if isinstance(change, Forward) and self._can_reflect(self._fw4.outside, change):
            self._reflected.append(change)

    def written(self, changes: Sequence[Change]) -> tuple[list[str], list[str]]:
        for change in sorted(changes, key=lambda one: not isinstance(one, Forward)):
            self._write(change, _protocols(change, changes))
        if not self._touched:
            return self._do, self._undo
        # The name keeps the line apart from those of other cures.
        load = f"uci commit firewall && service firewall restart  # {next(iter(self._touched))}"
        return [*self._do, load], [*self._undo, load]

    def _write(self, change: Change, protocols: list[str]) -> None:
        """``protocols``: those for which the same is to be done, in one section where that can be."""
        match change:
            case Forward():
                self._forward(change)
            case Hairpin():
                self._hairpin(change, protocols)
            case Admit():
                self._admit(change, protocols)
            case RedirectDns():
                self._redirect_dns(change, protocols)
            case SpareDns():
                self._spare_dns(change)
            case AdmitReplies():
                self._do.append("# fw4 admits replies before all else: no option of uci says more")

    # --- Forwards -------------------------------------------------------------------------------------------

    def _forward(self, change: Forward) -> None:
        """fw4 leads all of a range to the first port of another: each port needs a redirect of its own."""
        (low, high), (to, _) = change.port, change.to_port
        if change.port == change.to_port or low == high:
            self._one_forward(change)
        elif high - low < MAX_PORTS:
            for number in range(low, high + 1):
                inside = to + number - low
                self._one_forward(replace(change, port=(number, number), to_port=(inside, inside)))
        else:
            self._do.append(f"# fw4 shifts no ranges: serve {low}-{high}/{change.protocol} inside as well")

    def _one_forward(self, change: Forward) -> None:
        outside = self._fw4.outside
        if self._can_reflect(outside, change):
            assert outside is not None
            self._reflected.append(change)
            there = self._fw4.redirect_to(change)
            if there is not None and not any(
                self._fw4.is_led_astray(zone, change) for zone in self._fw4.inside()
            ):
                self._reflect(there, change)
                return
            zones = self._reflection_zones(change)
            more: dict[str, Value] = {"reflection_zone": zones} if zones else {}
            self._section("redirect", _name("forward", change), self._lead(change, outside) | more)
            return
        for zone in self._fw4.zones:
            name = f"{_name('forward', change)}_{_plain(zone)}"
            self._section("redirect", name, self._lead(change, zone) | {"reflection": "0"})

    def _can_reflect(self, outside: str | None, change: Forward) -> bool:
        family = change.address.version
        return (
            outside is not None
            and self._fw4.masquerades(outside, family)
            and self._fw4.is_own(outside, change.address)
            and self._fw4.zone_towards(change.to) in self._fw4.inside()
        )

    def _reflection_zones(self, change: Forward) -> list[str]:
        """All that is inside; none need be named where the server's own is the only one."""
        zones = self._fw4.inside()
        return [] if zones == [self._fw4.zone_towards(change.to)] else zones

    def _lead(self, change: Forward, zone: str) -> dict[str, Value]:
        """``src_dip`` is left out where the address is leased, and may be another one tomorrow."""
        own = {one.address: one for one in self._fw4.addresses(zone)}
        known = zone != self._fw4.outside or (change.address in own and not own[change.address].dynamic)
        dest = self._fw4.zone_towards(change.to)
        return {
            "src": zone,
            **({"src_dip": str(change.address)} if known else {}),
            "src_dport": ports_of(change.port),
            **({"dest": dest} if dest is not None else {}),
            "dest_ip": str(change.to),
            "dest_port": ports_of(change.to_port),
            "proto": [change.protocol],
            "target": "DNAT",
        }

    def _reflect(self, there: Section, change: Forward) -> None:
        """Switch on the reflection of a redirect that is there."""
        if there.options.get("reflection") in _OFF:
            self._set(there, "reflection", "1")
        zones = self._reflection_zones(change)
        before = there.options.get("reflection_zone", "").split()
        if set(zones) - {*(before or [self._fw4.zone_towards(change.to) or ""])}:
            self._set_list(there, "reflection_zone", zones, before)

    def _hairpin(self, change: Hairpin, protocols: list[str]) -> None:
        if any(self._hides(forward, change) for forward in self._reflected):
            return
        zone = self._fw4.zone_towards(change.to)
        for clients in clients_of(change.family, change.clients):
            options: dict[str, Value] = {
                **({"src": zone} if zone is not None else {}),
                "proto": protocols,
                "src_ip": clients,
                "dest_ip": str(change.to),
                "dest_port": ports_of(change.to_port),
                "target": "MASQUERADE",
            }
            target = f"{change.to_port[0]}_{'_'.join(protocols)}_{_plain(str(change.to))}"
            self._section("nat", f"{OURS}_hairpin_{target}_from_{_plain(clients)}", options)

    def _hides(self, forward: Forward, change: Hairpin) -> bool:
        """Whether the reflection of ``forward`` gives these clients another source already."""
        service = forward.to, forward.protocol, forward.to_port
        if service != (change.to, change.protocol, change.to_port):
            return False
        zone = self._fw4.zone_towards(change.to)
        own = self._fw4.addresses(zone) if zone is not None else []
        networks = numbers_of(*(one.prefix for one in own if one.prefix.version == change.family))
        return change.clients <= networks

    # --- The filter -----------------------------------------------------------------------------------------

    def _admit(self, change: Admit, protocols: list[str]) -> None:
        service = f"{change.to_port[0]}_{'_'.join(protocols)}_{_plain(str(change.to))}"
        for zone in self._fw4.sources_of(change.chain):
            name = f"{OURS}_admit_{service}" + ("" if zone == "*" else f"_{_plain(zone)}")
            options: dict[str, Value] = {
                "src": zone,
                "dest": "*",
                "proto": protocols,
                "dest_ip": str(change.to),
                "dest_port": ports_of(change.to_port),
                "target": "ACCEPT",
            }
            self._section("rule", name, options)

    # --- DNS ------------------------------------------------------------------------------------------------

    def _redirect_dns(self, change: RedirectDns, protocols: list[str]) -> None:
        zone = self._fw4.zone_of(change.interface)
        if zone is None:
            self._do.append(f"# {change.interface} is in no zone: put it into one to lead its clients")
            return
        name = f"{OURS}_dns_{'_'.join(protocols)}_{_plain(change.interface)}"
        for at, clients in enumerate(self._dns_clients(change, zone)):
            options: dict[str, Value] = {
                "src": zone,
                "family": _FAMILIES[change.resolver.version],
                **({"src_ip": clients} if clients else {}),
                "src_dip": f"!{change.resolver}",
                "src_dport": str(DNS_PORT),
                "proto": protocols,
                **({} if change.on_gateway else {"dest_ip": str(change.resolver)}),
                "dest_port": str(DNS_PORT),
                "target": "DNAT",
                "reflection": "0",
            }
            self._section("redirect", f"{name}_{at}" if at else name, options)

    def _dns_clients(self, change: RedirectDns, zone: str) -> list[str]:
        """All of a zone but the resolver, where that is whom the change is for; else ranges."""
        resolver = change.resolver
        own = [one for one in self._fw4.addresses(zone) if one.address.version == resolver.version]
        everybody = numbers_of(*(one.prefix for one in own))
        ends = Numbers.of(
            *((int(one), int(one)) for it in own for one in (it.address, it.prefix[0], it.prefix[-1]))
        )
        asking = change.clients - numbers_of(resolver)
        if own and not (everybody - ends - numbers_of(resolver)) - asking:
            return [f"!{resolver}"] if int(resolver) in everybody and not change.on_gateway else [""]
        return list(clients_of(resolver.version, asking))

    def _spare_dns(self, change: SpareDns) -> None:
        there = self._fw4.redirects_of(change.chain, change.resolver, change.protocol, DNS_PORT)
        for section in there:
            said = section.options.get("src_ip")
            if said is None:
                self._set(section, "src_ip", f"!{change.resolver}")
            elif not said.startswith("!"):
                self._do.append(f"# {section.id}: leave {change.resolver} out of src_ip, which is {said}")

    # --- Commands -------------------------------------------------------------------------------------------

    def _section(self, kind: str, name: str, options: dict[str, Value]) -> None:
        """A section of its own, before all others."""
        if name in self._touched:
            return
        self._touched[name] = None
        path = f"firewall.{name}"
        self._do.append(f"uci set {path}={kind}")
        for option, value in {"name": name.replace("_", "-"), **options}.items():
            several = value if isinstance(value, list) else [value]
            verb = "add_list" if len(several) > 1 or option in _LISTS else "set"
            self._do += [f"uci {verb} {path}.{option}='{one}'" for one in several]
        self._do.append(f"uci reorder {path}=0")
        self._undo.insert(0, f"uci delete {path}")

    def _set(self, there: Section, option: str, value: str) -> None:
        path = f"{there.id}.{option}"
        if f"uci set {path}='{value}'" in self._do:
            return
        self._touched.setdefault(there.options.get("name", there.id))
        self._do.append(f"uci set {path}='{value}'")
        before = there.options.get(option)
        self._undo.insert(0, f"uci delete {path}" if before is None else f"uci set {path}='{before}'")

    def _set_list(self, there: Section, option: str, values: list[str], before: list[str]) -> None:
        path = f"{there.id}.{option}"
        self._touched.setdefault(there.options.get("name", there.id))
        self._do += [f"uci delete {path}"] if before else []
        self._do += [f"uci add_list {path}='{one}'" for one in values]
        back = [f"uci delete {path}", *(f"uci add_list {path}='{one}'" for one in before)]
        self._undo[:0] = back


def _protocols(change: Change, changes: Sequence[Change]) -> list[str]:
    """Those of all changes that differ in nothing else."""
    if isinstance(change, AdmitReplies):
        return []
    same = (
        one.protocol
        for one in changes
        if type(one) is type(change) and replace(one, protocol=change.protocol) == change
    )
    return sorted(dict.fromkeys(same))


# --- Words --------------------------------------------------------------------------------------------------


def _name(what: str, change: Forward) -> str:
    return f"{OURS}_{what}_{change.port[0]}_{change.protocol}_{_plain(str(change.address))}"


def _plain(text: str) -> str:
    """As names of sections may be."""
    return re.sub(r"[^A-Za-z0-9]", "_", text)
