"""What a pf.conf does to packets: pf.conf(5) sentence by sentence, walked."""

from __future__ import annotations

import pytest

from splitdns.check.model import Gateway
from splitdns.check.network import Clients
from splitdns.check.sets import shown_addresses
from tests.check.pf import DMZ_CLIENT, INTERNET, ITSELF, LAN, asked, ended, gateway

WEB_RDR = "pass in on egress inet proto tcp to (egress) port 443 rdr-to 192.168.1.20\n"
NAT = "match out on egress inet from !(egress:network) nat-to (egress:0)\n"
ELSEWHERE = "198.51.100.99"


def seen_by_server(to: Gateway, who: Clients, **more: object) -> str:
    """The source that arrives, and the port."""
    endpoint = asked(to, who, **more).outcomes[0].endpoint
    assert endpoint is not None
    return f"{shown_addresses(4, endpoint.seen_source)} at {endpoint.ports.single}"


# --- Which rule decides -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ("", "router-self"),  # the default passes
        ("block", "dropped"),
        ("block\npass\n", "router-self"),  # the last decides
        ("pass\nblock\n", "dropped"),
        ("pass quick\nblock\n", "router-self"),  # the first quick one decides
        ("block\npass in proto tcp to port 22\n", "dropped"),
        ("block\npass in proto tcp to port { 22 443 }\npass out\n", "router-self"),
        ("block in on em1\n", "router-self"),
        ("block in on ! em1\n", "dropped"),
        ("block in on inside\n", "router-self"),
        ("block in on em\n", "dropped"),
        ("block out\n", "dropped"),  # no rule passed it, so that no state lets the reply out
        ("block out\npass in\n", "router-self"),
        ("block in from 198.51.100/24\n", "dropped"),
        ("block in from ! 198.51.100.0/24\n", "router-self"),
        ("block in from { !198.51.100.0/24 198.51.100.9 }\n", "dropped"),
        ("table <bad> const { 198.51.100/24 !198.51.100.9 }\nblock in from <bad>\n", "router-self"),
        ("table <bad> const { 198.51.100/24 !198.51.100.8 }\nblock in from <bad>\n", "dropped"),
        ("table <own> const { self }\nblock in to <own>\n", "dropped"),
        ("block in from urpf-failed\n", "router-self"),
        ("antispoof quick for em1\n", "router-self"),
        ("set skip on em0\nblock\n", "router-self"),
        ("set skip on em1\nblock\n", "dropped"),
        ("block in proto tcp to port 400 >< 444\n", "dropped"),
        ("block in proto tcp to port 443 >< 500\n", "router-self"),
        ("block in proto tcp to port 443 <> 500\n", "router-self"),
        ("block in proto tcp to port != 80\n", "dropped"),
        ("block in inet6\n", "router-self"),
        ("pass\nblock in proto tcp flags A/A\n", "router-self"),  # what has a state asks no rule
        ("block in proto tcp flags A/A\n", "dropped"),
        ("block in proto tcp flags S/SA\n", "dropped"),
        ("block in fragment\n", "router-self"),
    ],
)
def test_which_rule_decides(rules: str, verdict: str) -> None:
    assert ended(gateway(rules), INTERNET) == verdict


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ("block\nanchor { pass }\n", "router-self"),
        ("block\nanchor in on em1 { pass }\n", "dropped"),
        ("anchor { block quick }\npass\n", "dropped"),
        ("anchor { block }\npass\n", "router-self"),
        ("anchor quick { block }\npass\n", "dropped"),
        ("anchor quick { block\npass }\nblock quick\n", "router-self"),
        ("anchor quick proto udp { block }\npass\n", "router-self"),
    ],
)
def test_anchors(rules: str, verdict: str) -> None:
    assert ended(gateway(rules), INTERNET) == verdict


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [("drop", "dropped"), ("return", "refused"), ("return-rst", "refused"), ("return-icmp", "refused")],
)
def test_blocks_tell_the_client_or_not(policy: str, verdict: str) -> None:
    assert ended(gateway(f"pass\nblock {policy} in proto tcp to port 443\n"), INTERNET) == verdict


def test_a_reset_is_for_tcp_only() -> None:
    found = gateway("pass\nblock return-rst in\n")

    assert ended(found, INTERNET, protocol=17) == "dropped"


def test_what_is_passed_on_is_filtered_twice() -> None:
    both = {"at": "192.168.20.20"}

    assert ended(gateway("block\npass in on em1\n"), LAN, **both) == "dropped"
    assert ended(gateway("block\npass out on em2\n"), LAN, **both) == "dropped"
    assert ended(gateway("block\npass in on em1\npass out on em2\n"), LAN, **both) == "ok-routed dmz"
    assert ended(gateway("pass\nblock out on em2 received-on em1\n"), LAN, **both) == "dropped"
    assert ended(gateway("pass\nblock out on em2 received-on em0\n"), LAN, **both) == "ok-routed dmz"


def test_what_the_gateway_sends_is_filtered_on_its_way_out() -> None:
    assert ended(gateway("pass\nblock out on em2\n"), ITSELF, at="192.168.20.20") == "dropped"
    assert ended(gateway("pass\nblock in on em2\n"), ITSELF, at="192.168.20.20") == "ok-routed dmz"


# --- State --------------------------------------------------------------------------------------------------


def test_a_state_lets_replies_through_where_no_rule_would() -> None:
    rules = "block\npass in on em1\npass out on em2\n"

    assert ended(gateway(rules), LAN, at="192.168.20.20") == "ok-routed dmz"
    assert ended(gateway(rules), DMZ_CLIENT, at="192.168.1.20") == "dropped"


def test_without_a_state_replies_need_rules_of_their_own() -> None:
    both = {"at": "192.168.20.20"}
    rules = "block\npass in on em1 no state\npass out on em2 no state\n"
    back = "pass in on em2 no state\npass out on em1 no state\n"

    assert ended(gateway(rules), LAN, **both) == "dropped"
    assert ended(gateway(rules + back), LAN, **both) == "ok-routed dmz"
    assert ended(gateway("block in on em2\n"), LAN, **both) == "dropped"  # the default makes no state


# --- OpenBSD's translation ----------------------------------------------------------------------------------


def test_the_rule_that_passes_translates_and_sees_the_address_before() -> None:
    found = gateway(f"block\n{WEB_RDR}pass out\n")

    assert ended(found, INTERNET) == "ok-dnat web"
    assert ended(found, INTERNET, ports=80) == "dropped"
    assert ended(found, LAN) == "dropped"
    assert seen_by_server(found, INTERNET) == "198.51.100.9 at 443"
    assert ended(gateway(f"{WEB_RDR}block in to 192.168.1.20\n"), INTERNET) == "ok-dnat web"
    assert ended(gateway(f"{WEB_RDR}block in to (egress)\n"), INTERNET) == "dropped"


def test_rules_behind_a_match_see_the_address_after_it() -> None:
    match = WEB_RDR.replace("pass", "match")

    assert ended(gateway(f"block\n{match}pass to 192.168.1.20\n"), INTERNET) == "ok-dnat web"
    assert ended(gateway(f"block\n{match}pass to (egress)\npass out\n"), INTERNET) == "dropped"
    assert ended(gateway(f"block\npass to (egress)\n{match}pass out\n"), INTERNET) == "ok-dnat web"
    assert ended(gateway(f"pass\n{match}block in to 192.168.1.20\n"), INTERNET) == "dropped"
    assert ended(gateway(f"pass\n{match}block in proto tcp to port 80\n"), INTERNET) == "ok-dnat web"


def test_a_match_without_a_rule_that_passes_translates_nothing() -> None:
    assert ended(gateway(WEB_RDR.replace("pass", "match")), INTERNET) == "router-self"


def test_the_last_match_translates() -> None:
    match = WEB_RDR.replace("pass", "match")
    other = match.replace("192.168.1.20", "192.168.20.20")

    assert ended(gateway(f"{match}{other}pass\n"), INTERNET) == "ok-dnat web"  # the second sees the first's
    again = other.replace("(egress)", "192.168.1.20")
    assert ended(gateway(f"{match}{again}pass\n"), INTERNET) == "ok-dnat dmz"
    assert ended(gateway(f"{match}pass in quick\n{other}pass\n"), INTERNET) == "ok-dnat web"


def test_a_rule_that_translates_again_keeps_the_port_of_the_match() -> None:
    match = WEB_RDR.replace("pass", "match").replace("\n", " port 8443\n")
    again = "pass in inet proto tcp to 192.168.1.20 rdr-to 192.168.20.20\n"

    assert seen_by_server(gateway(f"{match}{again}pass out\n"), INTERNET) == "198.51.100.9 at 8443"


def test_sources_are_translated_on_the_way_out_behind_the_filter() -> None:
    rules = f"block\n{NAT}pass in on em1\n"

    assert ended(gateway(f"{rules}pass out on egress from egress\n"), LAN, at=ELSEWHERE) == "ok-routed"
    assert ended(gateway(f"{rules}pass out on egress from em1:network\n"), LAN, at=ELSEWHERE) == "dropped"
    both = "block\npass in\npass out on egress inet from em1:network nat-to egress\n"
    assert seen_by_server(gateway(both), LAN, at=ELSEWHERE) == "203.0.113.7 at 443"


def test_a_hairpin_of_openbsd() -> None:
    rdr = WEB_RDR.replace("on egress ", "")
    back = "pass out on em1 inet proto tcp from em1:network to 192.168.1.20 received-on em1 nat-to em1\n"

    assert ended(gateway(f"pass\n{WEB_RDR}"), LAN) == "router-self"
    assert ended(gateway(f"pass\n{rdr}"), LAN) == "asym-reply"
    assert ended(gateway(f"pass\n{rdr}{back}"), LAN) == "ok-hairpin web"
    assert ended(gateway(f"pass\n{rdr}{back}"), INTERNET) == "ok-dnat web"
    assert seen_by_server(gateway(f"pass\n{rdr}{back}"), LAN) == "192.168.1.1 at 443"


def test_binat_to_is_one_to_one() -> None:
    found = gateway("pass\nmatch on egress inet from 192.168.1.20 binat-to 203.0.113.9\n")

    assert ended(found, INTERNET, at="203.0.113.9", ports=22) == "ok-dnat web"


def test_ports_are_shifted() -> None:
    rules = "pass in inet proto tcp to (egress) port 8000:8010 rdr-to 192.168.1.20 port 9000:*\n"

    assert seen_by_server(gateway(rules), INTERNET, ports=8003).endswith("at 9003")


def test_loopback_is_the_gateway_itself() -> None:
    rules = "pass in inet proto tcp to port 25 rdr-to 127.0.0.1 port 8025\n"

    assert ended(gateway(rules), INTERNET, ports=25) == "router-self"


# --- Tags ---------------------------------------------------------------------------------------------------


def test_tags_go_with_the_packet_from_in_to_out() -> None:
    rules = "block\npass in on em1 tag INSIDE\npass in on em0\npass out tagged INSIDE\n"

    assert ended(gateway(rules), LAN, at="192.168.20.20") == "ok-routed dmz"
    assert ended(gateway(rules), INTERNET, at="192.168.20.20") == "dropped"


def test_the_last_tag_stays() -> None:
    rules = "pass in tag A\npass in on em1 tag B\npass out\nblock out tagged {}\n"

    assert ended(gateway(rules.format("A")), LAN, at="192.168.20.20") == "ok-routed dmz"
    assert ended(gateway(rules.format("B")), LAN, at="192.168.20.20") == "dropped"
    assert ended(gateway("pass\nblock out ! tagged A\n"), LAN, at="192.168.20.20") == "dropped"


def test_a_match_may_tag() -> None:
    rules = "match in on em0 tag OUTSIDE\nblock in tagged OUTSIDE\npass in on em1\n"

    assert ended(gateway(rules), INTERNET) == "dropped"
    assert ended(gateway(rules), LAN, at="192.168.20.20") == "ok-routed dmz"


# --- FreeBSD ------------------------------------------------------------------------------------------------

RDR = "rdr on em0 inet proto tcp to (em0) port 443 -> 192.168.1.20\n"
OLD_NAT = "nat on em0 inet from em1:network -> (em0)\n"


def test_freebsd_s_filter_sees_what_translation_made() -> None:
    to = "block in on em0\npass in on em0 proto tcp to {}\n"

    assert ended(gateway(RDR + to.format("192.168.1.20")), INTERNET) == "ok-dnat web"
    assert ended(gateway(RDR + to.format("(em0)")), INTERNET) == "dropped"
    sources = "{}block out on em0\npass out on em0 from {}\n"
    assert ended(gateway(sources.format(OLD_NAT, "(em0)")), LAN, at=ELSEWHERE) == "ok-routed"
    assert ended(gateway(sources.format(OLD_NAT, "em1:network")), LAN, at=ELSEWHERE) == "dropped"


def test_the_first_translation_rule_decides() -> None:
    other = RDR.replace("192.168.1.20", "192.168.20.20")
    no = "no rdr on em0 inet proto tcp from 198.51.100.0/24 to any port 443\n"

    assert ended(gateway(RDR + other), INTERNET) == "ok-dnat web"
    assert ended(gateway(other + RDR), INTERNET) == "ok-dnat dmz"
    assert ended(gateway(no + RDR), INTERNET) == "router-self"


def test_rdr_pass_needs_no_filter_rule() -> None:
    assert ended(gateway(RDR + "block in\n"), INTERNET) == "dropped"
    passing = RDR.replace("rdr", "rdr pass")
    assert ended(gateway(passing + "block in\npass out\n"), INTERNET) == "ok-dnat web"
    assert ended(gateway(passing + "block out on em1\n"), INTERNET) == "dropped"
    assert ended(gateway(passing + "block in\n"), INTERNET) == "dropped"  # replies: no state was made on em1


def test_translation_makes_a_state_also_where_no_rule_passes() -> None:
    assert ended(gateway(OLD_NAT + "block in on em0\n"), LAN, at=ELSEWHERE) == "ok-routed"
    assert ended(gateway("no nat on em0\nblock in on em0\n"), LAN, at=ELSEWHERE) == "dropped"


def test_a_hairpin_of_freebsd() -> None:
    rdr = RDR.replace("on em0 ", "")
    back = "nat on em1 inet proto tcp from em1:network to 192.168.1.20 port 443 -> (em1)\n"

    assert ended(gateway(rdr), LAN) == "asym-reply"
    assert ended(gateway(back + rdr), LAN) == "ok-hairpin web"
    assert ended(gateway(back + rdr), INTERNET) == "ok-dnat web"


def test_binat_and_its_order() -> None:
    binat = "binat on em0 inet from 192.168.1.20 to any -> 203.0.113.9\n"

    assert ended(gateway(binat), INTERNET, at="203.0.113.9", ports=22) == "ok-dnat web"
    rdr = RDR.replace("(em0)", "203.0.113.9").replace("192.168.1.20", "192.168.20.20")
    assert ended(gateway(binat + rdr), INTERNET, at="203.0.113.9") == "ok-dnat dmz"  # rdr is asked first
    no_rdr = "no rdr on em0 inet proto tcp from any to any port 443\n"
    assert ended(gateway(no_rdr + rdr + binat), INTERNET, at="203.0.113.9") == "ok-dnat web"


def test_tags_of_translation_rules() -> None:
    rdr = RDR.replace(" ->", " tag WEB ->")

    assert ended(gateway(rdr + "block in\npass in tagged WEB\npass out\n"), INTERNET) == "ok-dnat web"
    assert ended(gateway(RDR + "block in\npass in tagged WEB\npass out\n"), INTERNET) == "dropped"


# --- What is not known --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rules",
    [
        "table <bad> persist\nblock in from <bad>\n",
        "block in from www.example.org\n",
        "block in probability 50%\n",
        "pass in proto tcp divert-to 127.0.0.1 port 8021\n",
        "pass in route-to 192.168.1.9\n",
    ],
)
def test_what_is_not_known_makes_a_maybe(rules: str) -> None:
    assert ended(gateway(f"pass\n{rules}"), INTERNET) == "maybe"


def test_sources_that_misbehave_are_not_asked_about() -> None:
    rules = (
        "table <bad> persist\nblock in quick from <bad>\n"
        "pass in proto tcp to port 443 keep state (max-src-conn-rate 5/60, overload <bad> flush)\npass out\n"
    )

    assert ended(gateway(rules), INTERNET) == "router-self"
