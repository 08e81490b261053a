"""Local zones by their types; what each becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.entries import Found
from splitdns.imports.service import Service
from splitdns.imports.unbound import found_in

REST = '\nforward-zone:\n name: "."\n forward-addr: 9.9.9.9\n'


def found(*lines: str) -> tuple[Found, Service]:
    made = found_in(Printed("server:\n" + "\n".join(lines) + REST, "u.conf"), Path())
    assert made.service is not None
    return made, made.service


@pytest.mark.parametrize(
    ("kind", "name", "action"),
    [
        ("always_refuse", "refused", ("refused",)),
        ("always_nxdomain", "nothing", ()),
        ("always_nodata", "empty", ("nodata",)),
        ("always_deny", "dropped", ("drop",)),
        ("always_null", "null", ("0.0.0.0", "::")),
        ("deny", "dropped", ("drop",)),
        ("refuse", "refused", ("refused",)),
    ],
)
def test_what_is_withheld_is_listed(kind: str, name: str, action: tuple[str, ...]) -> None:
    _, service = found(f"local-zone: x.example. {kind}")

    assert {one: (plan.lines, plan.action) for one, plan in service.lists.items()} == {
        name: (["*.x.example"], action)
    }


@pytest.mark.parametrize(
    ("kind", "is_closed", "is_open", "beneath"),
    [
        ("static", True, False, False),
        ("redirect", True, False, True),
        ("transparent", False, False, False),
        ("typetransparent", False, True, False),
        ("refuse", False, False, False),
    ],
)
def test_what_has_records_is_a_zone(kind: str, is_closed: bool, is_open: bool, beneath: bool) -> None:
    made, _ = found(f"local-zone: x.example {kind}", 'local-data: "x.example 60 A 10.0.0.1"')

    (entry,) = made.entries
    assert (entry.is_open, entry.beneath, entry.ttl_s) == (is_open, beneath, 60)
    assert ("x.example" in made.closed) is is_closed


def test_a_redirection_to_a_name_is_a_policy() -> None:
    made, service = found("local-zone: s.example redirect", 'local-data: "s.example CNAME safe.example."')

    assert (made.entries, made.closed) == ([], {})
    assert service.lists["aliases"].lines[3:] == [
        "s.example. CNAME safe.example.", "*.s.example. CNAME safe.example.",
    ]  # fmt: skip


def test_what_is_let_through_beneath_a_list_is_allowed() -> None:
    _, service = found("local-zone: x.example always_null", "local-zone: ok.x.example transparent")

    assert (service.lists["asked"].lines, service.lists["asked"].action) == (["*.ok.x.example"], ("allow",))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["local-zone: x.example inform"],
         "questions for x.example are logged no more than others: see `querylog`"),
        (["local-zone: x.example ipset"], "left out: there is nothing like the type ipset here"),
        (["local-zone: x.example always_null", 'local-data: "a.x.example A 10.0.0.1"'],
         "left out: x.example is of type always_null, whatever records it has"),
        (['local-data: "x.example SOA a. b. 1 2 3 4 5"'],
         "left out: the SOA of x.example; `soa` in a zone sets parts of it"),
    ],
)  # fmt: skip
def test_what_is_left_is_told(lines: list[str], message: str) -> None:
    made, _ = found(*lines)

    assert message in [one.message for one in made.left]


@pytest.mark.parametrize(
    "line",
    ["local-zone: x", "local-zone: x what", "local-zone: a..b static", 'local-data: "x"',
     'local-data-ptr: "x y"', "local-data-ptr: 10.0.0.1"],
)  # fmt: skip
def test_what_unbound_refuses_is_a_mistake(line: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(line)
