"""A whole export: what it tells, and every mistake at once."""

from __future__ import annotations

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros.read import read
from splitdns.check.model import Network
from tests.check.routeros import USUAL, usual, wrong


def test_an_export_tells_of_a_whole_gateway() -> None:
    found = usual(
        "/ip firewall filter\nadd chain=input",
        "/ip dhcp-server lease\nadd address=192.168.88.20",
        "/ip service\nset www address=192.168.88.0/24",
    )

    assert [one.name for one in found.network.interfaces if one.uplink] == ["ether1"]
    assert [one.table for one in found.ruleset.chains] == ["routeros filter", "routeros service"]
    assert len(found.hosts) == 1
    assert found.listens is not None


def test_several_texts_are_one_device() -> None:
    more = "/ip address\n9 D address=198.51.100.1/24 interface=ether4\n"

    found = read([Printed(USUAL, "export.rsc"), Printed(more, "print.txt")], Network())

    assert found.network.interface("ether4") is not None


def test_every_mistake_is_told_in_file_order() -> None:
    text = (
        "/ip firewall nat\nadd chain=dstnat dst-port=x\n/ip address\nadd address=y interface=a\n"
        "/ip firewall filter\nadd chain=input protocol=zzz\n"
    )

    assert [message.split(": ")[0] for message in wrong(text)] == [
        "gateway.rsc:2:18", "gateway.rsc:4:5", "gateway.rsc:6:17",
    ]  # fmt: skip


def test_an_export_s_words_are_understood_as_the_verbose_form_has_them() -> None:
    verbose = (
        "/ip firewall filter\nadd action=accept chain=input !connection-bytes !content disabled=no "
        'dst-port=500 !dst-address-list log=no log-prefix="" protocol=udp !ttl\n'
    )

    found = usual(verbose)

    assert found.ruleset.notes == ()
    assert len(found.ruleset.chains[0].rules[0].conditions) == 2
