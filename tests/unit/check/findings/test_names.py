from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from splitdns.check.finding import Code, Severity
from splitdns.check.findings.names import MAX_NAMES
from splitdns.daemon.wan import state
from splitdns.load.load import written
from splitdns.load.settings import Settings
from splitdns.load.wansources import Value
from tests.check.world import CONFIG, FORWARD, NETWORK, SPLIT, World, nat

VPN_MASQUERADED = "-A POSTROUTING -s 10.8.0.0/24 -o lan0 -j MASQUERADE\n"
ALL_MASQUERADED = "-A POSTROUTING -o lan0 -j MASQUERADE\n"
TO_RESOLVER = "-A PREROUTING -d 203.0.113.7/32 -p udp --dport 53 -j DNAT --to-destination 192.168.1.53\n"
RESOLVER = "{resolver: [192.168.1.53, 203.0.113.7]}"


def looked_up(settings: Settings, base: Path) -> Mapping[int, Value]:
    """As a command would, with the configuration's own directory."""
    return state.looked_up(settings, base / "splitdns.yaml", 0.0)


def test_a_lost_view_is_critical_where_the_internet_meets_an_inside_one(tmp_path: Path) -> None:
    vpn = World(tmp_path, gateway=RESOLVER, rules=nat(FORWARD, VPN_MASQUERADED)).findings(Code.DNS_VIEW_LOST)
    assert {(one.clients, one.severity) for one in vpn} == {(("wg0 10.8.0.0/24",), Severity.ERROR)}
    assert "meet lan instead of vpn" in vpn[0].message

    world = World(tmp_path, gateway=RESOLVER, rules=nat(FORWARD, TO_RESOLVER, ALL_MASQUERADED))
    (everybody,) = world.findings(Code.EXP_OPEN_RESOLVER)
    assert everybody.clients == ("the internet",)
    assert everybody.severity is Severity.CRITICAL


def test_an_address_that_the_provider_leads_here_is_not_stale(tmp_path: Path) -> None:
    zone = SPLIT.replace("$wan4", "198.51.100.77")
    rules = FORWARD.replace("203.0.113.7", "198.51.100.77")

    assert World(tmp_path, zone=zone, rules=nat(rules)).findings(Code.DNS_WAN_STALE) == []
    (finding,) = World(tmp_path, zone=zone).findings(Code.DNS_WAN_STALE)
    assert "the gateway has 203.0.113.7" in finding.message


def test_many_names_are_told_a_few_at_a_time(tmp_path: Path) -> None:
    many = SPLIT + "".join(f"  n{number}: {{A: $wan4}}\n" for number in range(MAX_NAMES + 9))

    found = World(tmp_path, zone=many, network=NETWORK).findings(Code.DNS_NAME_NO_SERVICE)

    assert len(found) == MAX_NAMES + 1
    assert found[-1].message.startswith("9 more") or any(one.message.startswith("9 more") for one in found)


def test_what_keeps_an_address_from_being_the_gateway_s_is_in_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text("203.0.113.9")
    follows = CONFIG.replace("{ipv4: 203.0.113.7}", "{ipv4: {file: wan}}")
    literal = SPLIT.replace("$wan4", "203.0.113.9")

    def remedy(**changes: str) -> str:
        known = looked_up if "config" in changes else written
        (finding,) = World(tmp_path, known=known).but(**changes).findings(Code.DNS_WAN_STALE)
        return finding.remedy

    assert remedy(zone=literal) == "say `$wan4` in the zone, and the address once, in `wan:`"
    assert remedy(config=CONFIG.replace("203.0.113.7", "203.0.113.9")).startswith("set `wan:` to the address")
    assert remedy(config=follows).startswith("see why file wan is behind")


def test_an_address_that_nobody_outside_is_told_is_said__semantics_12(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text("100.64.0.9")
    config = CONFIG.replace("{ipv4: 203.0.113.7}", "{ipv4: {file: wan}}")

    (refused,) = World(tmp_path, config=config, known=looked_up).findings(Code.DNS_WAN_STALE)
    assert refused.message.startswith("nobody outside is told an address for $wan4: 100.64.0.9: it belongs")
    assert (refused.subject, str(refused.where)) == ("$wan4", str(tmp_path / "splitdns.yaml:7:13"))

    unknown = World(tmp_path, config=config).findings(Code.MODEL_UNKNOWN)
    assert [one.message for one in unknown if one.subject == "$wan4"] == [
        "nobody outside is told an address for $wan4: file wan was not asked"
    ]
    without = World(tmp_path, config=config, zone=SPLIT.replace("$wan4", "203.0.113.7"))
    assert [one for one in without.findings(Code.MODEL_UNKNOWN) if one.subject == "$wan4"] == []
