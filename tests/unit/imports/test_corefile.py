"""Server blocks: who meets which, and what they forward; what they answer, tests/imports tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.corefile import found_in
from splitdns.imports.entries import Found
from splitdns.imports.service import Service
from splitdns.imports.sources import imported

VIEW = "view %s {\n expr incidr(client_ip(), '%s')\n}\n"


def found(text: str, beside: Path = Path()) -> tuple[Found, Service]:
    made = found_in(Printed(text, "Corefile"), beside)
    assert made.service is not None
    return made, made.service


def test_clients_that_meet_the_same_blocks_are_a_view() -> None:
    _, service = found(
        "x {\n" + VIEW % ("a", "10.0.0.0/8") + "forward . 9.9.9.9\n}\n"
        "x {\n" + VIEW % ("b.b", "10.0.0.0/7") + "}\n"
        ". {\n acl {\n block net 11.1.0.0/16\n }\n bind 127.0.0.1 ::1\n log\n}\n"
    )

    assert {name: (view.clients, view.recursion) for name, view in service.views.items()} == {
        "inside": (["any"], False),
        "b-b": (["10.0.0.0/7"], False),
        "a": (["10.0.0.0/8"], True),
        "b-b-3": (["11.1.0.0/16"], False),
    }
    assert [(rule.domain, rule.views) for rule in service.forward] == [("x", ("a",))]
    assert (service.listen, service.querylog) == (["127.0.0.1:53", "[::1]:53"], True)


@pytest.mark.parametrize(
    ("zone", "words", "rule"),
    [
        (".", ". 9.9.9.9", (".", ("9.9.9.9",))),
        ("x", ". 9.9.9.9", ("x", ("9.9.9.9",))),
        (".", "x dns://9.9.9.9:54", ("x", ("9.9.9.9:54",))),
        ("a.x", "x. 9.9.9.9", ("a.x", ("9.9.9.9",))),
        (".", ". tls://9.9.9.9 {\n tls_servername n\n}", (".", ("tls://9.9.9.9#n",))),
    ],
)
def test_what_is_in_both_the_zone_and_the_domain_is_forwarded(
    zone: str, words: str, rule: tuple[str, tuple[str, ...]]
) -> None:
    _, service = found(f"{zone} {{\nforward {words}\n}}\n")

    assert [(one.domain, one.upstreams) for one in service.forward] == [rule]


def test_files_are_zones(tmp_path: Path) -> None:
    (tmp_path / "db.x.example").write_text("@ A 10.0.0.1\n")
    text = "x.example {\n auto {\n directory .\n }\n}\ny.example {\n file db.x.example\n}\n"
    _, service = found(text, tmp_path)

    assert set(service.masters) == {"x.example.zone", "y.example.zone"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (". {\n kubernetes x\n}",
         "kubernetes is left out: services of a cluster are forwarded: write a rule for its domain"),
        (". {\n loadbalance\n}",
         "loadbalance is left out: there is nothing like it here, or it is always so"),
        (". {\n forward . /etc/resolv.conf\n}",
         "left out: /etc/resolv.conf is no address; without a rule, resolv.conf's are asked"),
        (". {\n forward . 9.9.9.9 {\n except a b\n}\n}", "left out: a b were not forwarded; here they are"),
        (". {\n forward . 9.9.9.9 {\n max_fails 3\n}\n}", "max_fails of forward is left out"),
        (". {\n acl x {\n block\n}\n}", "left out: an acl for a part of a block; views are for all names"),
        (". {\n bind eth0\n}", "left out: expected an address to listen at, found 'eth0'"),
        ("tls://. {\n}", "tls://. is served over plain DNS only"),
        (".:53 x:54 {\n}", "left out: port 54; all names are served at every port of `listen`"),
        (". {\n view v {\n expr type() == 'A'\n}\n}",
         "left out: the view v, whose expression asks for more than an address"),
        (". {\n view v {\n expr type() == 'A'\n}\n}", "left out: a block that no client ever meets"),
        (". {\n hosts {\n 10.0.0.1 a.x\n fallthrough\n}\n}\nx {\n}",
         "left out: a.x was asked of the block for x only"),
        ("10.0.0.0/24 {\n}", "left out: the zone 10.0.0.0/24; write the names of the reverse zone"),
    ],
)  # fmt: skip
def test_what_is_not_carried_over_is_told(text: str, message: str) -> None:
    made, _ = found(text)

    assert message in [one.message for one in made.left]


@pytest.mark.parametrize(
    "text",
    ["", ".", ". {", "a..b {\n}", ". {\n forward .\n}", ".:x {\n}", ". {\n acl {\n x\n}\n}"],
)
def test_what_is_no_corefile_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(text)


@pytest.mark.parametrize(
    ("falls", "left"),
    [("", []), ("\n fallthrough", ["other names of x do not exist for b"])],
)
def test_a_zone_in_two_views_is_for_both_also_where_one_alone_has_no_other_names(
    falls: str, left: list[str]
) -> None:
    text = (
        "x {\n" + VIEW % ("a", "10.0.0.0/8") + "hosts {\n 10.0.0.1 www.x\n}\n}\n"
        "x {\n" + VIEW % ("b", "192.168.0.0/16") + f"hosts {{\n 192.168.0.1 www.x{falls}\n}}\n}}\n"
        ". {\n forward . 9.9.9.9\n}\n"
    )
    made = imported("corefile", Printed(text, "Corefile"), (), "inside", Path())

    assert "views: [a, b]" in made.files["zones/x.yaml"]
    assert [one.message for one in made.left if one.message.startswith("other names")] == left
