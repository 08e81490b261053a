from __future__ import annotations

import pytest

from splitdns.errors import Where
from splitdns.imports.adguard_rules import take
from splitdns.imports.entries import Found
from splitdns.imports.service import Service

HERE = Where("a.yaml", 1, 1)


def taken(rule: str) -> tuple[Found, Service]:
    found, service = Found(), Service()
    take(rule, HERE, ("0.0.0.0",), found, service)
    return found, service


@pytest.mark.parametrize(
    ("rule", "name", "line", "action"),
    [
        ("||ads.example^", "blocked", "||ads.example^", ("0.0.0.0",)),
        ("||ads.example", "blocked", "||ads.example^", ("0.0.0.0",)),
        ("@@||ok.example^$important", "blocked", "@@||ok.example^", ("0.0.0.0",)),
        ("0.0.0.0 a.example # x", "blocked", "a.example", ("0.0.0.0",)),
        ("a.example", "blocked", "a.example", ("0.0.0.0",)),
        ("||x.example^$dnsrewrite=NXDOMAIN", "nxdomain", "||x.example^", ()),
        ("||x.example^$dnsrewrite=REFUSED", "refused", "||x.example^", ("refused",)),
    ],
)
def test_a_rule_for_a_name_is_a_line_of_a_list(
    rule: str, name: str, line: str, action: tuple[str, ...]
) -> None:
    found, service = taken(rule)

    (made,) = service.lists.items()
    assert (made[0], made[1].lines, made[1].action, made[1].format) == (name, [line], action, "adblock")
    assert found.left == []


def test_a_rule_with_an_address_is_a_record() -> None:
    (one,) = taken("192.168.1.1 a.example.")[0].entries
    (under,) = taken("||b.example^$dnsrewrite=fd00::1")[0].entries

    assert (one.name, one.rdtype, one.value, one.beneath) == ("a.example", "A", "192.168.1.1", False)
    assert (under.name, under.rdtype, under.value, under.beneath) == ("b.example", "AAAA", "fd00::1", True)


@pytest.mark.parametrize("rule", ["", "! x", "# x"])
def test_comments_are_nothing(rule: str) -> None:
    found, service = taken(rule)

    assert (found, service) == (Found(), Service())


@pytest.mark.parametrize(
    "rule", ["/x/", "||a.example^$client=b", "||a.example^$dnsrewrite=b.example", "|a^", "a b c"]
)
def test_other_rules_are_told(rule: str) -> None:
    found, service = taken(rule)

    assert [one.message.startswith("left out: the rule ") for one in found.left] == [True]
    assert service.lists == {}
