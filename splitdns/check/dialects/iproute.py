"""The gateway as a router, from what iproute2 prints as JSON: ``ip -j address``, ``route``, ``rule``.

Interfaces with their addresses come from ``ip -j -d address``, routes from ``ip -j route show table all``
(of IPv4 and of IPv6, one after the other), policy rules from ``ip -j rule``, the flags of a bridge's ports
from ``bridge -j -d link``, and the switches of the kernel from ``sysctl -a``. All but the addresses may be
missing; what is then not known is said to be so. The internet is where the default routes lead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_interface

from splitdns.check.dialects.iproute_routes import Tables, read_routes, read_rules
from splitdns.check.dialects.iproute_sysctl import Switches, read_switches
from splitdns.check.dialects.json_places import Document, Json, Misshapen, listed, mapping, placed, word
from splitdns.check.dialects.printed import Printed
from splitdns.check.network import Interface, InterfaceAddress, Network
from splitdns.errors import ConfigError, Where

_FOREVER = 2**32 - 1  # seconds; what the kernel says of an address without an end


_USUAL_RULES = Printed(
    """[{"priority":0,"table":"local"},{"priority":32766,"table":"main"},{"priority":32767,"table":"default"}]
       [{"priority":0,"table":"local"},{"priority":32766,"table":"main"}]""",
    "the usual rules",
)


def read(
    addresses: Sequence[Printed],
    routes: Sequence[Printed] = (),
    rules: Sequence[Printed] = (),
    *,
    bridges: Sequence[Printed] = (),
    switches: Sequence[Printed] = (),
) -> Network:
    """The network that these texts describe.

    Raises:
        ConfigError: one of them is not what its command prints; with the place.
    """
    links = [link for one in addresses for link in _elements(one, "interfaces")]
    ports = {
        str(port.get("ifname")): port for one in bridges for port, _ in _elements(one, "ports of a bridge")
    }
    kernel = read_switches(switches)
    tables = Tables()
    for one in routes:
        for route, where in _elements(one, "routes"):
            with placed(where):
                read_routes(route, tables)
    for one in rules or [_USUAL_RULES]:
        for number, array in enumerate(_arrays(one)):
            read_rules(_mappings(array, "rules"), 4 if number == 0 else 6, tables)
    uplinks = tables.uplinks()
    masters = {str(link.get("ifname")): link for link, _ in links}
    interfaces = []
    for link, where in links:
        with placed(where):
            interfaces.append(_interface(link, masters, ports, kernel, uplinks))
    return Network(
        tuple(interfaces),
        tuple(tables.all_routes()),
        tuple(tables.policy),
        {family: _bridge_nf(family, masters, kernel) for family in (4, 6)},
        {family: kernel.forwards(family) for family in (4, 6)},
        {family: origin for family in (4, 6) if (origin := kernel.not_forwarding(family)) is not None},
    )


# --- Interfaces ---------------------------------------------------------------------------------------------


def _interface(
    link: dict[str, Json],
    masters: dict[str, dict[str, Json]],
    ports: dict[str, dict[str, Json]],
    kernel: Switches,
    uplinks: frozenset[str],
) -> Interface:
    name = word(link.get("ifname"), "the name of an interface")
    flags = {word(flag, "a flag") for flag in listed(link.get("flags", []), "the flags of an interface")}
    point_to_point = "POINTOPOINT" in flags
    bridge = _bridge_of(name, link, flags, masters, ports)
    found = [
        address
        for one in listed(link.get("addr_info", []), "the addresses of an interface")
        if (address := _address(mapping(one, "an address"), leased=link.get("link_type") == "ppp"))
    ]
    return Interface(
        name,
        tuple(found),
        bridge,
        uplink=name in uplinks,
        up="UP" in flags,
        point_to_point=point_to_point,
        hairpin=bridge is not None and _is_on(_as_port(name, link, ports).get("hairpin")),
        rp_filter=kernel.rp_filter(name),
    )


def _address(one: dict[str, Json], *, leased: bool) -> InterfaceAddress | None:
    """``leased``: by PPP, which has no lifetimes. None: an element without address, or a doubled one."""
    if "local" not in one or one.get("dadfailed"):
        return None
    length = one.get("prefixlen")
    try:
        local = ip_address(word(one["local"], "an address"))
        across = ip_interface(f"{one.get('address', local)}/{length}")
    except ValueError:
        found = f"{one['local']!r} and {length!r}"
        raise Misshapen(f"expected an address and its prefix, found {found}") from None
    if across.version != local.version:
        raise Misshapen(f"expected addresses of one family, found {local} and {across}")
    leased = leased or _is_on(one.get("dynamic")) or one.get("valid_life_time", _FOREVER) != _FOREVER
    return InterfaceAddress(local, across.network, leased)


def _bridge_of(
    name: str,
    link: dict[str, Json],
    flags: set[str],
    masters: dict[str, dict[str, Json]],
    ports: dict[str, dict[str, Json]],
) -> str | None:
    """The bridge of which it is a port; other masters are bonds, teams and VRFs."""
    master = link.get("master")
    if not isinstance(master, str):
        return None
    if name in ports:
        return master
    kinds = mapping(link.get("linkinfo", {}), "linkinfo"), _details(masters.get(master, {}))
    own, of_master = kinds[0].get("info_slave_kind"), kinds[1].get("info_kind")
    if own is not None or of_master is not None:
        return master if "bridge" in (own, of_master) else None
    above = masters.get(master, {}).get("flags", [])
    return None if "SLAVE" in flags or (isinstance(above, list) and "MASTER" in above) else master


def _as_port(name: str, link: dict[str, Json], ports: dict[str, dict[str, Json]]) -> dict[str, Json]:
    data = mapping(link.get("linkinfo", {}), "linkinfo").get("info_slave_data")
    return {**(data if isinstance(data, dict) else {}), **ports.get(name, {})}


def _details(link: dict[str, Json]) -> dict[str, Json]:
    info = link.get("linkinfo")
    return info if isinstance(info, dict) else {}


def _bridge_nf(family: int, links: dict[str, dict[str, Json]], kernel: Switches) -> bool | None:
    """The switch of the kernel, or of one bridge."""
    option = "nf_call_iptables" if family == 4 else "nf_call_ip6tables"
    for link in links.values():
        data = _details(link).get("info_data")
        if isinstance(data, dict) and _is_on(data.get(option)):
            return True
    return kernel.bridge_nf(family)


def _is_on(value: Json) -> bool:
    return value in (True, 1, "on")


# --- Several arrays in one text -----------------------------------------------------------------------------


def _arrays(printed: Printed) -> Iterator[list[tuple[Json, Where]]]:
    """Each JSON array in the text."""
    document = Document(printed.text, printed.file)
    at = document.after_space(0)
    while at < len(printed.text):
        if not printed.text.startswith("[", at):
            found = document.found(at)
            raise ConfigError(document.where(at), f"expected a JSON array, as ip -j prints, found {found}")
        array, end = document.array(at + 1)
        yield array
        at = document.after_space(end)


def _elements(printed: Printed, what: str) -> Iterator[tuple[dict[str, Json], Where]]:
    for array in _arrays(printed):
        yield from _mappings(array, what)


def _mappings(array: list[tuple[Json, Where]], what: str) -> Iterator[tuple[dict[str, Json], Where]]:
    for value, where in array:
        with placed(where):
            one = mapping(value, f"one of the {what}")
        if one:  # some versions print {} for what they filtered out
            yield one, where
