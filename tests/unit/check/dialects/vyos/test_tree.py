from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.tree import MAX_DEPTH, MAX_LINES, Node, parse
from splitdns.errors import ConfigError, Where

COMMANDS = """\
# a script around the commands
configure
set interfaces ethernet eth0 address '192.0.2.1/24'
set interfaces ethernet eth0 address 192.0.2.2/24
set interfaces ethernet eth0 description "the \\"uplink\\", here"
set nat source rule 10 exclude
delete interfaces ethernet eth9
commit
"""
BRACES = """\
/* a comment
   over two lines */
interfaces {
    ethernet eth0 {
        address 192.0.2.1/24
        address 192.0.2.2/24
        description "the \\"uplink\\", here"
    }
}
nat {
    source {
        rule 10 {
            exclude
        }
    }
}
"""


def shape(node: Node) -> dict[str, object]:
    return {word: shape(child) for word, child in node.children.items()}


def errors(text: str) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        parse(text, "f")
    assert all(isinstance(one, ConfigError) for one in caught.value.exceptions)
    return [str(one) for one in caught.value.exceptions]


def test_both_forms_are_one_tree() -> None:
    assert shape(parse(COMMANDS, "f")) == shape(parse(BRACES, "f"))


def test_values_are_found_by_their_path_and_the_last_is_the_one_that_holds() -> None:
    tree = parse(COMMANDS, "f")
    ethernet = tree.at("interfaces", "ethernet", "eth0")
    assert ethernet is not None

    assert [one.word for one in ethernet.beneath("address")] == ["192.0.2.1/24", "192.0.2.2/24"]
    assert ethernet.value("address") == "192.0.2.2/24"
    assert ethernet.value("description") == 'the "uplink", here'
    assert tree.value("interfaces", "ethernet", "eth1", "address") is None
    assert ethernet.where == Where("f", 3, 1)


def test_a_value_that_is_set_again_is_the_last() -> None:
    tree = parse("set system host-name a\nset system host-name b\nset system host-name a\n", "f")

    assert tree.value("system", "host-name") == "a"


def test_what_is_deleted_is_gone() -> None:
    rules = "set nat source rule 1 exclude\nset nat source rule 2 exclude\n"
    tree = parse(f"{rules}delete nat source rule 1\n", "f")

    assert [one.word for one in tree.beneath("nat", "source", "rule")] == ["2"]
    both = parse(f"{rules}set system host-name x\ndelete nat source rule 1\ndelete nat source rule 2\n", "f")
    assert shape(both) == {"system": {"host-name": {"x": {}}}}  # nothing empty is left


def test_a_rule_is_told_in_its_own_words_without_what_is_said_to_people() -> None:
    rule = parse(
        "set nat source rule 10 description web\nset nat source rule 10 source address 10.0.0.1\n", "f"
    ).at("nat", "source", "rule", "10")

    assert rule is not None
    assert rule.words() == "nat source rule 10: source address 10.0.0.1"


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("set system host-name 'x\n", "f:1:22", "the end of a quotation"),
        ("set system a\nfrobnicate x\n", "f:2:1", "commands like set"),
        ("system {\n", "f:2:1", "expected } for line 1: system"),
        ("system {\n}\n}\n", "f:3:1", "expected no }"),
        ("system {\n{\n", "f:2:1", "a name before {"),
        ("hello world\n", "f:1:1", "set commands"),
        ("", "f:1:1", "set commands"),
    ],
)
def test_what_is_neither_form_is_told_with_its_place(text: str, where: str, expected: str) -> None:
    (error,) = errors(text)

    assert error.startswith(f"{where}: ")
    assert expected in error


def test_a_session_may_go_down_and_give_rules_other_numbers() -> None:
    tree = parse(
        "edit nat source\nset rule 1 exclude\nset rule 2 exclude\nrename rule 1 to rule 9\n"
        "rename rule 2 to rule 9\nrename rule 7 to rule 8\ntop\nset system host-name x\n",
        "f",
    )

    assert shape(tree) == {
        "nat": {"source": {"rule": {"2": {"exclude": {}}, "9": {"exclude": {}}}}},
        "system": {"host-name": {"x": {}}},
    }
    assert tree.at("nat", "source", "rule", "9", "exclude").path[-2:] == ("9", "exclude")  # type: ignore[union-attr]


def test_braces_and_lines_are_limited() -> None:
    deep = "".join(f"system{n} {{\n" for n in range(MAX_DEPTH))

    assert f"at most {MAX_DEPTH} words" in errors(deep + "system {\n")[0]
    assert f"at most {MAX_DEPTH} words" in errors(f"set {'system ' * MAX_DEPTH}")[0]
    assert f"at most {MAX_LINES} lines" in errors("\n" * MAX_LINES)[0]
