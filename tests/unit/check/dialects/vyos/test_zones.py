from __future__ import annotations

import pytest

from tests.check.gateways import DMZ_CLIENT, INTERNET, LAN_CLIENT, PUBLIC, WEB, ended
from tests.check.vyos.configurations import device, gateway

ZONES = """
firewall state-policy established action accept
firewall name TO_LAN rule 1 action accept
firewall name TO_LAN rule 1 protocol tcp
firewall name TO_LAN rule 1 destination port 443
firewall name ALL default-action accept
zone-policy zone LAN interface lan
zone-policy zone DMZ interface dmz
zone-policy zone WAN interface wan
zone-policy zone LAN from WAN firewall name TO_LAN
zone-policy zone WAN from LAN firewall name ALL
zone-policy zone SELF local-zone
zone-policy zone SELF from LAN firewall name ALL
"""


def test_only_what_has_a_rule_set_passes_between_zones() -> None:
    found = gateway(ZONES)

    assert ended(found, INTERNET, at=WEB) == "ok-routed web"
    assert ended(found, INTERNET, at=WEB, ports=80) == "dropped"
    assert ended(found, DMZ_CLIENT, at=WEB) == "dropped"
    assert ended(found, LAN_CLIENT, at="198.51.100.9") == "ok-routed"


def test_the_gateway_itself_is_a_zone() -> None:
    assert ended(gateway(ZONES), LAN_CLIENT, at="192.168.1.1", ports=22) == "router-self"
    assert ended(gateway(ZONES), INTERNET, at=PUBLIC, ports=22) == "dropped"


def test_since_1_4_zones_stand_in_the_firewall() -> None:
    text = (
        ZONES.replace("firewall state-policy", "firewall global-options state-policy")
        .replace("zone-policy zone", "firewall zone")
        .replace("firewall name TO_LAN rule", "firewall ipv4 name TO_LAN rule")
        .replace("firewall name ALL default", "firewall ipv4 name ALL default")
        .replace(" interface ", " member interface ")
    )

    assert ended(gateway(text), INTERNET, at=WEB) == "ok-routed web"
    assert ended(gateway(text), DMZ_CLIENT, at=WEB) == "dropped"


def test_a_zone_may_reject_and_may_filter_within() -> None:
    told = "".join(line + "\n" for line in ZONES.splitlines() if "SELF" not in line)  # the error gets out
    rejecting = gateway(f"{told}zone-policy zone LAN default-action reject")
    assert ended(rejecting, DMZ_CLIENT, at=WEB) == "refused"
    zone = "zone-policy zone LAN"
    both = f"{ZONES}{zone} interface dmz\n{zone} intra-zone-filtering action drop\n"
    both = both.replace("zone-policy zone DMZ interface dmz\n", "")
    assert ended(gateway(both), DMZ_CLIENT, at=WEB) == "dropped"


def test_what_a_rule_set_returns_passes_between_zones() -> None:
    found = gateway(f"{ZONES}firewall name TO_LAN default-action return")

    assert ended(found, INTERNET, at=WEB, ports=80) == "ok-routed web"


def test_a_rule_set_that_is_not_there_is_a_maybe() -> None:
    found = gateway(f"{ZONES}zone-policy zone LAN from DMZ firewall name MISSING")

    assert ended(found, DMZ_CLIENT, at=WEB) == "maybe"


def test_a_zone_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ExceptionGroup):
        device(f"{ZONES}zone-policy zone LAN from ODD firewall name ALL")
