"""Which of the names that clients call themselves they get."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.errors import Where
from splitdns.names import from_text, to_text
from splitdns.sources.leases.hosts import (
    MAX_REFUSED,
    RESERVED,
    Holders,
    Hosts,
    Manner,
    label_of,
    named,
    supply_of,
)
from splitdns.sources.leases.lease import Lease

APEX = from_text("home.arpa.")
MANNER = Manner(APEX, "inside", 60)
NOW_S = 1000.0
ONE, OTHER, OPAQUE = "02:00:00:00:00:01", "02:00:00:00:00:02", "00:02:00:00:ab:11:01"


def lease(
    hostname: str, address: str = "192.168.1.20", client: str = ONE, ends_s: float | None = 2000.0
) -> Lease:
    return Lease(ip_address(address), hostname, client, ends_s, Where("f", 3))


def given(*leases: Lease, former: Holders | None = None) -> Hosts:
    return named(leases, MANNER, former or {}, NOW_S)


def names(hosts: Hosts) -> list[str]:
    return [f"{to_text(one.owner)} {ip_address(one.rdata)}" for one in hosts.records]


def reasons(hosts: Hosts) -> list[str]:
    return [one.message for one in hosts.refused]


def test_a_client_gets_its_name_with_its_case_and_all_its_addresses() -> None:
    hosts = given(lease("Laptop"), lease("laptop", "fd00::20"), lease("LAPTOP", "fd00::21"))
    assert names(hosts) == [
        "Laptop.home.arpa. 192.168.1.20",
        "laptop.home.arpa. fd00::20",
        "LAPTOP.home.arpa. fd00::21",
    ]
    assert {(one.horizon, one.ttl_s, str(one.where)) for one in hosts.records} == {("inside", 60, "f:3")}
    assert hosts.refused == []


@pytest.mark.parametrize("hostname", ["laptop", "laptop.", "laptop.home.arpa", "LAPTOP.Home.ARPA."])
def test_a_name_may_be_whole(hostname: str) -> None:
    assert label_of(hostname, APEX).lower() == "laptop"


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("laptop.corp.example", "a name in home.arpa."),
        ("a.b", "a name in home.arpa."),
        ("a.b.home.arpa", "a name in home.arpa."),
        ("..home.arpa", "a name in home.arpa."),
        ("home.arpa", "a name in home.arpa."),
        (".home.arpa", "a name of letters, digits and hyphens"),
        ("john's phone", "a name of letters, digits and hyphens"),
        ("_ldap", "a name of letters, digits and hyphens"),
        ("*", "a name of letters, digits and hyphens"),
        ("@", "a name of letters, digits and hyphens"),
        ("-a", "a name of letters, digits and hyphens"),
        ("a-", "a name of letters, digits and hyphens"),
        ("a\\000b", "a name of letters, digits and hyphens"),
        ("a\n", "a name of letters, digits and hyphens"),
        ("a" * 64, "a name of letters, digits and hyphens"),
        ("?", "a name of letters, digits and hyphens"),
        *((name, "another name than") for name in sorted(RESERVED)),
        ("WPAD", "another name than"),
        ("wpad.home.arpa.", "another name than"),
        ("ns1", "another name than"),
        ("DNS12", "another name than"),
    ],
)
def test_a_client_cannot_call_itself_whatever_it_likes(hostname: str, expected: str) -> None:
    hosts = given(lease(hostname))
    assert names(hosts) == []
    (reason,) = reasons(hosts)
    assert reason.startswith(f"192.168.1.20, of {ONE}, gets no name: expected {expected}")
    assert len(reason) < 200
    assert reason.isprintable()


def test_the_longest_label_is_a_name() -> None:
    assert label_of("a" * 63, APEX) == "a" * 63


def test_a_client_without_a_name_gets_none_and_that_is_well() -> None:
    assert given(lease("")) == Hosts(until_s=2000.0)


def test_a_lease_that_has_ended_is_none_and_the_next_end_is_told() -> None:
    hosts = given(
        lease("a", ends_s=NOW_S),
        lease("b", ends_s=NOW_S + 2),
        lease("c", ends_s=NOW_S + 1),
        lease("d", ends_s=None),
    )
    assert names(hosts) == [f"{name}.home.arpa. 192.168.1.20" for name in "bcd"]
    assert hosts.until_s == NOW_S + 1
    assert given(lease("d", ends_s=None)).until_s is None


def test_who_came_first_has_the_name() -> None:
    hosts = given(lease("nas"), lease("NAS", "192.168.1.21", OTHER))
    assert names(hosts) == ["nas.home.arpa. 192.168.1.20"]
    assert reasons(hosts) == [f"192.168.1.21, of {OTHER}, gets no name: 'nas' is the name of {ONE}"]


def test_who_has_a_name_keeps_it_whatever_the_order__rfc4703__semantics_31() -> None:
    first = given(lease("nas"))
    hosts = given(lease("nas", "192.168.1.21", OTHER), lease("nas"), former=first.holders)
    assert names(hosts) == ["nas.home.arpa. 192.168.1.20"]


def test_a_name_is_free_when_its_lease_has_ended() -> None:
    first = given(lease("nas"))
    hosts = given(lease("nas", ends_s=1.0), lease("nas", "192.168.1.21", OTHER), former=first.holders)
    assert names(hosts) == ["nas.home.arpa. 192.168.1.21"]
    assert hosts.holders == {("nas", 4): OTHER}


def test_another_machine_cannot_add_its_address_of_the_other_family() -> None:
    hosts = given(lease("nas", "fd00::66", OTHER), lease("nas"))
    assert names(hosts) == ["nas.home.arpa. 192.168.1.20"]
    assert len(hosts.refused) == 1


def test_a_duid_that_tells_no_mac_address_may_be_the_same_machine_s() -> None:
    hosts = given(lease("nas"), lease("nas", "fd00::20", OPAQUE), lease("nas", "fd00::21", OTHER))
    assert names(hosts) == ["nas.home.arpa. 192.168.1.20", "nas.home.arpa. fd00::20"]
    assert len(hosts.refused) == 1


def test_a_machine_has_its_addresses_of_the_other_family_though_others_claim_them_first() -> None:
    hosts = given(lease("nas"), lease("nas", "fd00::66", OTHER), lease("nas", "fd00::20", ONE))
    assert names(hosts) == ["nas.home.arpa. 192.168.1.20", "nas.home.arpa. fd00::20"]


@pytest.mark.parametrize("count", [MAX_REFUSED, MAX_REFUSED + 1])
def test_so_many_are_told_one_by_one(count: int) -> None:
    hosts = given(*(lease(f"_{at}") for at in range(count)))
    assert len(hosts.refused) == MAX_REFUSED


def test_the_same_leases_in_another_order_are_the_same_supply() -> None:
    one, other = lease("a"), lease("b", "192.168.1.21", OTHER)
    first, second = given(one, other), given(other, one)
    assert supply_of(first, "leases", MANNER, False) == supply_of(second, "leases", MANNER, False)
    assert not supply_of(first, "leases", MANNER, False).trusted
