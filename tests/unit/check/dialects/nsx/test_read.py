"""An edge from several texts."""

from __future__ import annotations

import pytest

from splitdns.check.model import Network
from tests.check.gateways import DMZ, INTERNET, LAN, WAN, ended, network
from tests.check.nsx.edges import PUBLIC, VNICS, WEB, device, dnat, edge, gateway

NAT = f"<nat><natRules>{dnat(PUBLIC, WEB, vnic='0')}</natRules></nat>"
OPEN = "<firewall><defaultPolicy><action>accept</action></defaultPolicy></firewall>"


def test_parts_are_read_together_in_any_order() -> None:
    assert ended(gateway(NAT, OPEN, f"<vnics>{VNICS}</vnics>"), INTERNET) == "ok-dnat web"


def test_interfaces_may_be_told_by_others() -> None:
    found = device(NAT.replace("<vnic>0", "<vnic>wan"), OPEN, around=network(WAN, LAN, DMZ))
    assert found.network == Network()
    (rule,) = found.ruleset.chains[0].rules
    assert "wan" in str(rule.conditions[0])


def test_the_whole_edge_tells_nat_even_by_silence() -> None:
    text = edge().replace("<nat>", "<!--").replace("</nat>", "-->")
    assert device(text).ruleset.notes == ()


@pytest.mark.parametrize("text", ["", "<html/>", "<edge>"])
def test_what_is_no_edge_is_an_error(text: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(text)
    assert str(caught.value.exceptions[0]).startswith("edge.xml:1:")


def test_mistakes_of_all_texts_are_told_together() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device("<html/>", edge(dnat("web", WEB)))
    assert len(caught.value.exceptions) == 2
