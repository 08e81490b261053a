"""The chains around the rules, in fw4's order."""

from __future__ import annotations

from splitdns.check.model import (
    Drop,
    Hook,
    Interfaces,
    Jump,
    Masquerade,
    Reject,
    Return,
    Side,
    State,
    States,
    Translated,
)
from tests.check.gateways import addresses, ended
from tests.check.openwrt.routers import (
    DEFAULTS,
    DMZ_CLIENT,
    GUEST,
    INTERNET,
    LAN_CLIENT,
    ZONES,
    chain,
    device,
    gateway,
    redirect,
    section,
    usual,
)


def test_what_comes_to_a_hook_meets_the_chain_of_its_zone_and_then_the_default() -> None:
    found = chain(usual(), "forward")

    assert [rule.action for rule in found.rules][1:] == [
        Jump("forward_lan"),
        Jump("forward_dmz"),
        Jump("forward_guest"),
        Jump("forward_wan"),
        Jump("handle_reject"),
    ]
    assert (found.hook, found.accepts) == (Hook.FORWARD, False)
    assert chain(usual(), "output").accepts
    assert chain(device(ZONES), "forward").accepts is False


def test_a_zone_ends_with_its_own_policy_towards_its_own_devices() -> None:
    assert chain(usual(), "forward_lan").rules[-1].action == Jump("accept_to_lan")
    (rule,) = chain(usual(), "accept_to_lan").rules
    assert rule.conditions == (Interfaces(Side.DESTINATION, frozenset({"br-lan"})),)


def test_what_a_redirect_sent_on_its_way_is_accepted_where_it_stands() -> None:
    sent = Translated(Side.DESTINATION)

    found = usual(redirect())
    for name in ("input_wan", "forward_wan", "forward_lan"):
        assert any(sent in rule.conditions for rule in chain(found, name).rules)
    assert not any(sent in rule.conditions for rule in chain(found, "forward_guest").rules)


def test_what_belongs_to_no_connection_does_not_leave_by_a_zone_that_masquerades() -> None:
    leak, _ = chain(usual(), "accept_to_wan").rules

    assert (leak.action, leak.families) == (Drop(), {4})
    assert States(frozenset({State.INVALID})) in leak.conditions
    allowing = ZONES.replace("option masq '1'", "option masq '1'\n\toption masq_allow_invalid '1'")
    assert len(chain(device(DEFAULTS, allowing), "accept_to_wan").rules) == 1


def test_masquerading_may_be_for_some_only() -> None:
    more = "option masq '1'\n\toption masq6 '1'\n\tlist masq_src '!192.168.9.0/24'"
    some = ZONES.replace("option masq '1'", more)

    four, six = chain(device(DEFAULTS, some), "srcnat_wan").rules
    assert (four.action, six.action, six.conditions) == (Masquerade(), Masquerade(), ())
    (source,) = four.conditions
    assert not source.numbers & addresses("192.168.9.0/24")  # type: ignore[union-attr]


def test_rejecting_resets_tcp_unless_told_otherwise() -> None:
    otherwise = DEFAULTS + "\toption tcp_reject_code 'admin-prohibited'\n"

    assert [one.action for one in chain(usual(), "handle_reject").rules] == [Reject(reset=True), Reject()]
    assert [one.action for one in chain(device(otherwise), "handle_reject").rules] == [Reject(), Reject()]


def test_a_flood_of_syns_is_not_what_is_asked() -> None:
    flooded = device(DEFAULTS + "\toption syn_flood '1'\n\toption drop_invalid '1'\n", ZONES)

    assert [one.action for one in chain(flooded, "syn_flood").rules] == [Return(), Drop()]
    assert [one.action for one in chain(flooded, "input").rules][2:4] == [Drop(), Jump("syn_flood")]


def test_a_server_on_the_lan_is_reached_from_where_fw4_says() -> None:
    web = gateway(redirect())

    assert ended(web, INTERNET) == "ok-dnat web"
    assert ended(web, LAN_CLIENT) == "ok-hairpin web"
    assert ended(web, GUEST) == "refused"
    assert ended(web, GUEST, at="198.51.100.9") == "ok-routed"
    assert ended(web, DMZ_CLIENT, at="198.51.100.9") == "refused"


def test_a_server_in_the_dmz_is_reflected_where_its_zone_is_named() -> None:
    plain = gateway(redirect("10.0.0.20", "dmz"))
    lan_too = gateway(redirect("10.0.0.20", "dmz", reflection_zone=["dmz", "lan"]))

    assert ended(plain, INTERNET) == ended(lan_too, INTERNET) == "ok-dnat dmz-web"
    assert ended(plain, DMZ_CLIENT) == "ok-hairpin dmz-web"
    assert not ended(plain, LAN_CLIENT).startswith("ok")
    assert ended(lan_too, LAN_CLIENT) == "ok-dnat dmz-web"


def test_a_rule_that_drops_stands_before_what_redirects_accept() -> None:
    found = gateway(redirect(), section("rule", src="wan", dest="lan", dest_port="443", target="DROP"))

    assert ended(found, INTERNET) == "dropped"


def test_what_is_not_tracked_has_a_chain_of_its_own() -> None:
    found = usual(section("rule", src="lan", proto="udp", target="NOTRACK"))

    assert [one.action for one in chain(found, "raw_prerouting").rules] == [Jump("notrack_lan")]
