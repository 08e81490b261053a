"""What ``ubus call network.interface dump`` prints: the networks as they are now, with leased addresses.

It is what fw4 itself reads when it reflects redirects. Here it fills in what no file can tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_interface

from splitdns.check.dialects.printed import Printed
from splitdns.check.model import InterfaceAddress
from splitdns.errors import ConfigError, Where
from splitdns.value import value

_ADDRESSES = ("ipv4-address", "ipv6-address")
_STATIC = ("static", "none")
_BEGIN = re.compile(r"^\{", re.MULTILINE)


@value(frozen=True, slots=True)
class Status:
    """A network that is up; ``device`` None: it has none."""

    device: str | None
    addresses: tuple[InterfaceAddress, ...]


def parted(printed: Printed) -> tuple[Printed, Printed]:
    """What is UCI, and what ubus printed behind it or alone; places stay what they are."""
    match = _BEGIN.search(printed.text)
    at = len(printed.text) if match is None else match.start()
    before, status = printed.text[:at], printed.text[at:]
    return Printed(before, printed.file), Printed("\n" * before.count("\n") + status, printed.file)


def read_status(printed: Printed) -> Mapping[str, Status]:
    """Each network by its name.

    Raises:
        ConfigError: it is not what ubus prints.
    """
    try:
        dump = json.loads(printed.text)
    except json.JSONDecodeError as error:
        where = Where(printed.file, error.lineno, error.colno)
        raise ConfigError(where, f"expected JSON, found a mistake: {error.msg}") from None
    except (RecursionError, ValueError):
        raise ConfigError(Where(printed.file, 1, 1), "expected JSON that is not nested so deeply") from None
    return dict(_networks(dump, Where(printed.file, 1, 1)))


def _networks(dump: object, where: Where) -> Iterator[tuple[str, Status]]:
    listed = dump.get("interface") if isinstance(dump, dict) else None
    if not isinstance(listed, list):
        raise ConfigError(where, "expected what ubus call network.interface dump prints, found other JSON")
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("interface"), str):
            raise ConfigError(where, f"expected a network with its name, found {one!r:.60}")
        name = one["interface"]
        device = one.get("l3_device", one.get("device"))
        if device is not None and not isinstance(device, str):
            raise ConfigError(where, f"expected the device of {name!r:.60}, found {device!r:.60}")
        yield name, Status(device, tuple(_addresses(one, name, where)))


def _addresses(one: dict[str, object], name: str, where: Where) -> Iterator[InterfaceAddress]:
    leased = one.get("proto") not in _STATIC
    for key in _ADDRESSES:
        yield from (_address(own, leased, name, where) for own in _listed(one.get(key), name, where))
    for assigned in _listed(one.get("ipv6-prefix-assignment"), name, where):
        if isinstance(assigned, dict) and (own := assigned.get("local-address")) is not None:
            yield _address(own, True, name, where)


def _listed(value: object, name: str, where: Where) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ConfigError(where, f"expected a list of addresses of {name!r:.60}, found {value!r:.60}")
    return value


def _address(own: object, leased: bool, name: str, where: Where) -> InterfaceAddress:
    try:
        assert isinstance(own, dict)
        found = ip_interface(f"{own['address']}/{own['mask']}")
    except (AssertionError, KeyError, ValueError):
        expected = f"expected an address and its mask, of {name!r:.60}"
        raise ConfigError(where, f"{expected}, found {own!r:.60}") from None
    return InterfaceAddress(found.ip, found.network, leased)
