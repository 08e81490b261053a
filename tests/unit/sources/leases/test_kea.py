"""Kea's memfile, as Kea 2.2 writes it, and what it says at its control socket."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.sources.leases.kea import files_of, leases_said, read, rows_in
from splitdns.sources.leases.lease import Lease
from splitdns.sources.source import SourceError

HEAD4 = (
    "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"
)
HEAD6 = (
    "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,"
    "hostname,hwaddr,state,user_context,hwtype,hwaddr_source\n"
)
MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
DUID = "00:01:00:01:2c:aa:bb:cc:02:00:00:00:00:02"


def row(
    address: str = "192.168.1.20",
    hostname: str = "laptop",
    mac: str = MAC,
    valid: int = 3600,
    expire: int = 2000,
    state: int = 0,
) -> str:
    return f"{address},{mac},01:{mac},{valid},{expire},1,0,0,{hostname},{state},\n"


def row6(address: str = "fd00::20", kind: int = 0, duid: str = DUID, mac: str = "") -> str:
    return f"{address},{duid},3600,2000,1,3000,{kind},7,128,0,0,laptop,{mac},0,,,\n"


def shown(lease: Lease) -> tuple[str, str, str, float | None]:
    return str(lease.address), lease.hostname, lease.client, lease.ends_s


def from_file(path: Path, text: str) -> list[tuple[str, str, str, float | None]]:
    path.write_text(text)
    return [shown(lease) for lease in read(path)]


LAPTOP = ("192.168.1.20", "laptop", MAC, 2000.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kea-leases4.csv"


def test_a_row_is_a_lease(path: Path) -> None:
    assert from_file(path, HEAD4 + row()) == [LAPTOP]
    (lease,) = read(path)
    assert str(lease.where) == f"{path}:2"


def test_the_last_row_of_an_address_counts(path: Path) -> None:
    text = HEAD4 + row() + row("192.168.1.21", "phone", OTHER) + row(hostname="tablet", expire=3000)
    assert from_file(path, text) == [
        ("192.168.1.21", "phone", OTHER, 2000.0),
        ("192.168.1.20", "tablet", MAC, 3000.0),
    ]


@pytest.mark.parametrize("state", [1, 2, 3])
def test_an_address_that_nobody_has_any_more_is_no_lease(path: Path, state: int) -> None:
    assert from_file(path, HEAD4 + row() + row(state=state)) == []


def test_a_released_lease_has_no_length(path: Path) -> None:
    assert from_file(path, HEAD4 + row() + row(valid=0)) == []


def test_a_lease_may_be_for_ever(path: Path) -> None:
    assert from_file(path, HEAD4 + row(valid=0xFFFFFFFF)) == [(*LAPTOP[:3], None)]


def test_a_client_cannot_write_columns_or_quotes(path: Path) -> None:
    text = HEAD4 + row(hostname='"a') + row("192.168.1.21", "b&#x2cc") + row("192.168.1.22", "d")
    assert [name for _, name, _, _ in from_file(path, text)] == ['"a', "b,c", "d"]


@pytest.mark.parametrize(
    "line",
    [
        "192.168.1.20,02:00:00:00:00:01\n",
        row("nonsense"),
        row().replace("3600", "x"),
        row()[:-1],  # still being written
        "\n",
    ],
)
def test_what_is_no_row_is_none(path: Path, line: str) -> None:
    assert from_file(path, HEAD4 + line) == []


def test_newer_servers_have_more_columns(path: Path) -> None:
    text = HEAD4.replace("\n", ",pool_id\n") + row().replace("\n", ",0\n")
    assert from_file(path, text) == [LAPTOP]


def test_leases_of_ipv6_are_addresses_and_no_prefixes(path: Path) -> None:
    text = HEAD6 + row6() + row6("fd00:1::", 2) + row6("fd00::22", duid="00:02:00:01", mac=MAC)
    text += row6("fd00::23", duid="00:02:00:01")
    assert from_file(path, text) == [
        ("fd00::20", "laptop", OTHER, 2000.0),
        ("fd00::22", "laptop", MAC, 2000.0),
        ("fd00::23", "laptop", "00:02:00:01", 2000.0),
    ]


def test_a_file_of_something_else_is_told(path: Path) -> None:
    with pytest.raises(SourceError, match="expected the columns of Kea's leases"):
        from_file(path, "a,b,c\n1,2,3\n")


def test_an_empty_file_is_one_that_is_being_begun(path: Path) -> None:
    assert from_file(path, "") == []


def test_while_it_cleans_up_all_parts_together_are_the_leases(path: Path) -> None:
    _, former, moved, newest = files_of(path)
    former.write_text(HEAD4 + row("192.168.1.1", "one") + row("192.168.1.2", "two"))
    moved.write_text(HEAD4 + row("192.168.1.2", "two", state=2) + row("192.168.1.3", "three"))
    newest.write_text(HEAD4 + row("192.168.1.3", "third"))
    assert [name for _, name, _, _ in map(shown, read(path))] == ["one", "third"]


def test_what_is_cleaned_up_stands_for_what_it_was_made_of(path: Path) -> None:
    completed, former, moved, newest = files_of(path)
    former.write_text(HEAD4 + row("192.168.1.1", "gone"))
    moved.write_text(HEAD4 + row("192.168.1.2", "gone"))
    completed.write_text(HEAD4 + row("192.168.1.3", "three"))
    newest.write_text(HEAD4 + row("192.168.1.4", "four"))
    assert [name for _, name, _, _ in map(shown, read(path))] == ["three", "four"]


def test_no_file_at_all_is_told(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read(path))


@given(st.text(alphabet="0129:.,\"&\nx", max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    for _, lease in rows_in(HEAD4 + text, "f"):
        assert lease is None or not lease.address.is_multicast


# --- At the control socket ---------------------------------------------------------------------------------

SAID = {
    "cltt": 1000,
    "client-id": f"01:{MAC}",
    "fqdn-fwd": False,
    "hostname": "laptop",
    "hw-address": MAC,
    "ip-address": "192.168.1.20",
    "state": 0,
    "subnet-id": 1,
    "valid-lft": 1000,
}


def said(*leases: object, result: int = 0) -> list[tuple[str, str, str, float | None]]:
    answer = {"result": result, "arguments": {"leases": list(leases)}, "text": "2 leases found"}
    return [shown(lease) for lease in leases_said(answer, "s")]


def test_a_server_says_its_leases() -> None:
    of6 = {"type": "IA_NA", "duid": DUID, "ip-address": "fd00::20", "hw-address": None}
    assert said(SAID, {**SAID, **of6}) == [LAPTOP, ("fd00::20", "laptop", OTHER, 2000.0)]
    assert said(result=3) == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": 1},
        {"state": 2},
        {"type": "IA_PD"},
        {"ip-address": "x"},
        {"ip-address": 7},
        {"cltt": "x"},
        {"valid-lft": None},
    ],
)
def test_what_is_no_lease_of_an_address_is_none(change: dict[str, object]) -> None:
    assert said({**SAID, **change}, 7, None, []) == []


def test_a_lease_for_ever_does_not_end() -> None:
    assert said({**SAID, "valid-lft": 0xFFFFFFFF}) == [(*LAPTOP[:3], None)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "expected an answer of Kea from s"),
        ({}, "expected an answer of Kea from s"),
        ({"result": "0"}, "expected an answer of Kea from s"),
        ({"result": 1, "text": "no"}, "s answers: no"),
    ],
)
def test_a_server_that_says_something_else_is_told(answer: object, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        leases_said(answer, "s")


def test_an_answer_without_leases_has_none() -> None:
    assert leases_said({"result": 0, "arguments": []}, "s") == []
    assert leases_said({"result": 3}, "s") == []
