"""NSX's own form: interfaces, NAT rules, firewall rules."""

from __future__ import annotations

import pytest

from splitdns.check.model import Support
from tests.check.gateways import INTERNET, LAN_CLIENT, ended
from tests.check.nsx.edges import (
    ANYTHING,
    PUBLIC,
    VNICS,
    WEB,
    allow,
    device,
    dnat,
    edge,
    gateway,
    snat,
    vnic,
    words,
)

SECOND = "<secondaryAddresses><ipAddress>203.0.113.3</ipAddress></secondaryAddresses>"


def test_interfaces_have_names_addresses_and_a_side() -> None:
    found = device(edge(vnics=VNICS + vnic(3, "wan", "uplink", "203.0.113.2/24", SECOND))).network
    assert [one.name for one in found.interfaces] == ["wan (0)", "lan", "dmz", "wan (3)"]
    assert [one.uplink for one in found.interfaces] == [True, False, False, True]
    assert [str(own.address) for own in found.interfaces[3].addresses] == ["203.0.113.2", "203.0.113.3"]


def test_interfaces_of_a_trunk_stand_beside_it() -> None:
    sub = vnic(10, "guests", "internal", "10.9.0.1/24").replace("vnic>", "subInterface>")
    trunk = f"<vnic><index>4</index><type>trunk</type><subInterfaces>{sub}</subInterfaces></vnic>"
    assert [one.name for one in device(edge(vnics=VNICS + trunk)).network.interfaces][3:] == ["guests"]


def test_a_disabled_rule_is_none_and_origins_have_the_rule_s_words() -> None:
    told = dnat(PUBLIC, WEB, ruleTag="7", description="web") + dnat(PUBLIC, WEB, enabled="false")
    (chain, *_) = device(edge(told)).ruleset.chains
    (rule,) = chain.rules
    expected = "edge.xml:12:1: dnat rule 7 'web': tcp 203.0.113.2:443 becomes 192.168.1.20:443"
    assert str(rule.origin) == expected


@pytest.mark.parametrize(
    ("nat", "rules", "message"),
    [
        (dnat(PUBLIC, ""), ANYTHING, "12:1: expected an address as the translated one, found nothing"),
        (dnat("web", WEB), ANYTHING, "12:31: expected an address"),
        (dnat("2001:db8::1", WEB), ANYTHING, "12:31: expected an address of IPv4, found '2001:db8::1'"),
        (words("natRule", action="pat"), ANYTHING, "12:1: expected dnat or snat as the action, found 'pat'"),
        (dnat(PUBLIC, WEB, vnic="9"), ANYTHING, "expected the index of an interface with an address"),
        ("", words("firewallRule", action="allow"), "9:1: expected accept, deny or reject as the action"),
        ("", allow("<vnicGroupId>lan9</vnicGroupId>"), "expected vse, internal, external, or vnic-index-N"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(nat: str, rules: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(edge(nat, rules))
    assert message in str(caught.value.exceptions[0])


def test_what_no_text_tells_makes_a_maybe() -> None:
    rules = allow("<groupingObjectId>ipset-1</groupingObjectId>")
    found = device(edge(dnat(PUBLIC, WEB), rules))
    assert [note.support for note in found.ruleset.notes] == [Support.WIDENED]
    assert ended(gateway(edge(dnat(PUBLIC, WEB), rules)), INTERNET) == "maybe"
    told = "<list><ipset><objectId>ipset-1</objectId><value>198.51.100.0/24</value></ipset></list>"
    assert ended(gateway(edge(dnat(PUBLIC, WEB), rules), told), INTERNET) == "ok-dnat web"


def test_an_application_is_told_by_another_text() -> None:
    rules = allow(application="<applicationId>application-57</applicationId>")
    told = (
        "<application><objectId>application-57</objectId><element><applicationProtocol>TCP"
        "</applicationProtocol><value>443</value></element></application>"
    )
    assert ended(gateway(edge(dnat(PUBLIC, WEB), rules), told), INTERNET) == "ok-dnat web"
    assert ended(gateway(edge(dnat(PUBLIC, WEB), rules)), INTERNET) == "maybe"


def test_a_field_that_nobody_knows_makes_a_maybe() -> None:
    found = device(edge(dnat(PUBLIC, WEB, tcpFlags="syn")))
    assert [note.name for note in found.ruleset.notes] == ["<tcpFlags> of a rule"]
    assert ended(gateway(edge(dnat(PUBLIC, WEB, tcpFlags="syn"))), INTERNET) == "maybe"


def test_a_hairpin_is_a_source_rule_on_the_inside() -> None:
    hairpin = snat("192.168.1.0/24", "192.168.1.1", vnic="1", snatMatchDestinationAddress=WEB)
    assert ended(gateway(edge(dnat(PUBLIC, WEB) + hairpin)), LAN_CLIENT) == "ok-hairpin web"
    assert ended(gateway(edge(dnat(PUBLIC, WEB))), LAN_CLIENT) == "asym-reply"
