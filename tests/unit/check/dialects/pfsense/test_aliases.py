"""Aliases: what they hold, and what of it is not known."""

from __future__ import annotations

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.pfsense.aliases import Aliases, parsed_addresses, parsed_ports
from splitdns.check.dialects.pfsense.config import Config, Flavour
from splitdns.check.sets import Numbers
from splitdns.errors import Problems


def aliases(text: str, flavour: Flavour = Flavour.PFSENSE) -> Aliases:
    return Aliases(Config(xml_places.read(f"<x>{text}</x>", "f"), flavour, Problems(), []))


def alias(name: str, kind: str, address: str) -> str:
    return f"<alias><name>{name}</name><type>{kind}</type><address>{address}</address></alias>"


def test_hosts_networks_ranges_and_ports_are_numbers() -> None:
    found = aliases(
        "<aliases>"
        + alias("web", "host", "192.168.1.20 192.168.1.21 fd00::1")
        + alias("nets", "network", "10.0.0.0/30 10.0.0.8-10.0.0.9")
        + alias("ports", "port", "80 8000:8010")
        + "</aliases>"
    )
    web, nets, ports = (found.get(name) for name in ("web", "nets", "ports"))
    assert web is not None
    assert nets is not None
    assert ports is not None
    assert (web.of(4).size, web.of(6).size, web.unknown) == (2, 1, "")
    assert nets.of(4).size == 6
    assert ports.ports == Numbers.of((80, 80), (8000, 8010))


def test_aliases_nest_and_circles_are_not_known() -> None:
    circle = alias("a", "host", "10.0.0.1 b") + alias("b", "host", "10.0.0.2 a")
    found = aliases(f"<aliases>{circle}{alias('all', 'host', 'c')}{alias('c', 'host', '10.0.0.3')}</aliases>")
    a, whole = found.get("a"), found.get("all")
    assert a is not None
    assert whole is not None
    assert a.of(4).size == 2
    assert a.unknown
    assert (whole.of(4).size, whole.unknown) == (1, "")


def test_what_the_device_fetches_or_looks_up_is_not_known() -> None:
    found = aliases(
        f"<aliases>{alias('list', 'urltable', 'https://example.net/l')}"
        f"{alias('name', 'host', '10.0.0.1 www.example.net')}</aliases>"
    )
    fetched, named = found.get("list"), found.get("name")
    assert fetched is not None
    assert named is not None
    assert "fetched" in fetched.unknown
    assert "www.example.net" in named.unknown
    assert named.of(4).size == 1
    assert found.get("nobody") is None


def test_opnsense_keeps_them_in_lines() -> None:
    form = "<alias><enabled>{}</enabled><name>{}</name><type>host</type><content>{}</content></alias>"
    one, off = form.format(1, "web", "10.0.0.1\n10.0.0.5"), form.format(0, "off", "10.0.0.1")
    text = f"<OPNsense><Firewall><Alias><aliases>{one}{off}</aliases></Alias></Firewall></OPNsense>"
    found = aliases(text, Flavour.OPNSENSE)
    web = found.get("web")
    assert web is not None
    assert web.of(4).size == 2
    assert found.get("off") is None


def test_what_is_no_address_and_no_port_is_something_else() -> None:
    assert parsed_addresses("10.0.0.2-10.0.0.1") is None
    assert parsed_addresses("10.0.0.1-::1") is None
    assert parsed_addresses("web") is None
    assert parsed_ports("70000") is None
    assert parsed_ports("90-80") is None
