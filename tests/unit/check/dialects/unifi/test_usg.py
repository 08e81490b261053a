from __future__ import annotations

from splitdns.check.dialects.unifi.places import parse
from splitdns.check.dialects.unifi.usg import is_usg, put
from splitdns.check.dialects.vyos.tree import Node
from splitdns.errors import Where
from tests.check.vyos.configurations import leaves

TEXT = """{
  "interfaces": {"ethernet": {"eth1": {"address": ["10.0.0.1/24", "10.0.1.1/24"], "disable": "''"}}},
  "service": {"nat": {"rule": {"1": {"exclude": "", "protocol": "tcp"}}}}
}"""


def test_json_is_the_tree_of_edgeos() -> None:
    tree = Node("", Where("f", 1, 1))

    put(parse(TEXT, "f"), tree)

    assert list(leaves(tree)) == [
        "set interfaces ethernet eth1 address 10.0.0.1/24",
        "set interfaces ethernet eth1 address 10.0.1.1/24",
        "set interfaces ethernet eth1 disable",
        "set service nat rule 1 exclude",
        "set service nat rule 1 protocol tcp",
    ]
    rule = tree.at("service", "nat", "rule", "1")
    assert rule is not None
    assert str(rule.where) == "f:3:37"


def test_it_is_told_from_what_the_controller_keeps() -> None:
    assert is_usg(parse(TEXT, "f"))
    assert not is_usg(parse('{"data": []}', "f"))
