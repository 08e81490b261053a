"""Whom Unbound serves, and what it forwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.entries import Found
from splitdns.imports.service import Service
from splitdns.imports.unbound import found_in

REST = 'forward-zone:\n name: "."\n forward-addr: 9.9.9.9\n'


def found(text: str, beside: Path = Path(), rest: str = REST) -> tuple[Found, Service]:
    made = found_in(Printed(text + rest, "u.conf"), beside)
    assert made.service is not None
    return made, made.service


def test_clients_of_views_are_told_apart() -> None:
    made, service = found(
        "server:\naccess-control: 10.0.0.0/8 allow\naccess-control: 10.1.0.0/16 deny\n"
        "access-control-view: 10.2.0.0/16 v.1\naccess-control: 10.2.3.0/24 refuse_non_local\n"
        "private-address: 10.0.0.0/8\nprivate-domain: x.example.\ntrust-anchor-file: x\nlog-queries: yes\n"
        "interface: 127.0.0.1@5300\ninterface: ::1\ndomain-insecure: y.example\n"
        "view:\nname: v.1\nview-first: yes\n"
    )

    assert {name: (view.clients, view.horizon, view.recursion) for name, view in service.views.items()} == {
        "inside": (["10.0.0.0/8", "127.0.0.0/8", "::1/128"], ("inside",), True),
        "refused": (["10.1.0.0/16"], ("refused",), False),
        "v-1": (["10.2.0.0/16"], ("v-1", "inside"), True),
        "inside-local": (["10.2.3.0/24"], ("inside",), False),
    }
    inside = service.views["inside"]
    assert (inside.is_protected, inside.allowed, inside.validate) == (True, ["x.example"], True)
    assert (service.listen, service.insecure, service.querylog) == (
        ["127.0.0.1:5300", "[::1]:53"], ["y.example"], True,
    )  # fmt: skip
    assert [one.message for one in made.left] == [
        "clients in 10.1.0.0/16 are REFUSED, not left without an answer"
    ]


@pytest.mark.parametrize(
    ("lines", "upstreams"),
    [
        ("forward-addr: 10.0.0.1", ("10.0.0.1",)),
        ("forward-addr: 10.0.0.1@5353", ("10.0.0.1:5353",)),
        ("forward-addr: fd00::1@5353", ("[fd00::1]:5353",)),
        ("forward-ssl-upstream: yes\n forward-addr: 9.9.9.9@853#dns.example", ("tls://9.9.9.9#dns.example",)),
        ("forward-tls-upstream: yes\n forward-addr: 2620:fe::fe@8853", ("tls://[2620:fe::fe]:8853",)),
        ("forward-tcp-upstream: yes\n forward-addr: 9.9.9.9", ("tcp://9.9.9.9",)),
    ],
)
def test_a_domain_is_asked_where_it_was(lines: str, upstreams: tuple[str, ...]) -> None:
    _, service = found(f"forward-zone:\n name: Corp.example.\n {lines}\n")

    assert [(rule.domain, rule.upstreams) for rule in service.forward[:1]] == [("corp.example", upstreams)]


def test_zones_in_files_come_along(tmp_path: Path) -> None:
    (tmp_path / "z").write_text("@ SOA a b 1 2 3 4 5\n")
    made, service = found(
        "auth-zone:\n name: z.example\n zonefile: z\n for-upstream: no\nrpz:\n name: r\n zonefile: z\n"
        "rpz:\n name: gone\n",
        tmp_path,
    )

    assert set(service.masters) == {"z.example.zone"}
    assert service.lists["r"].format == "rpz"
    assert [one.message for one in made.left] == [
        "for-upstream is left out: the zone is what its file says",
        "left out: rpz gone has no file",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server:\nso-rcvbuf: 4m\n", "so-rcvbuf is left out: it is about Unbound itself, or not known here"),
        ("server:\ndefine-tag: x\n", "define-tag is left out: there are no tags"),
        ("server:\ninterface: eth0\n", "left out: expected an address to listen at, found 'eth0'"),
        ("dnstap:\n", "left out: dnstap is about Unbound itself"),
        ("view:\nname: v\n", "left out: the view v, which no access-control-view names"),
        ("stub-zone:\nname: x\nstub-host: y\n", "left out: nobody with an address is asked for x"),
        ("server:\nlocal-zone: x static\nstub-zone:\nname: a.x\nstub-addr: 10.0.0.1\n",
         "left out: a.x was never asked, as the local zone x decides"),
    ],
)  # fmt: skip
def test_what_is_not_carried_over_is_told(text: str, message: str) -> None:
    made, _ = found(text)

    assert message in [one.message for one in made.left]


def test_who_asked_the_root_is_to_say_whom_to_ask() -> None:
    made, _ = found("server:\n", rest="")

    assert [one.message for one in made.left] == [
        "Unbound asked the root by itself; write whom to ask, a rule for `.` under `forward`"
    ]


@pytest.mark.parametrize(
    "text",
    ["server:\naccess-control: x allow\n", "server:\naccess-control: 10.0.0.0/8 may\n",
     "server:\naccess-control-view: 10.0.0.0/8 v\n", "server:\ninterface: ::1@x\n", "view:\n",
     "stub-zone:\nname: x\nstub-addr: y\n", "stub-zone:\nname: x\nstub-addr: 10.0.0.1@x\n"],
)  # fmt: skip
def test_what_unbound_refuses_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(text)
