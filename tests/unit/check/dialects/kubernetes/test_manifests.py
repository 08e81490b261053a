"""Objects in YAML and JSON, several to a file."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.kubernetes import manifests
from splitdns.check.dialects.kubernetes.manifests import Part, objects
from splitdns.check.dialects.printed import Printed
from splitdns.errors import Problems


def read(text: str) -> tuple[list[Part], list[str]]:
    problems = Problems()
    found = list(objects(Printed(text, "f"), problems))
    return found, [str(error) for error in problems.errors]


def test_documents_and_lists_hold_objects_with_their_places() -> None:
    text = """\
# a comment
---
kind: Service
---  # another
kind: List
items:
  - {kind: Pod}
  - kind: ConfigMapList
    items: [{kind: ConfigMap}]
---
"""
    found, errors = read(text)
    assert errors == []
    assert [(one.at("kind").text(), str(one.where)) for one in found] == [
        ("Service", "f:3:1"),
        ("Pod", "f:7:5"),
        ("ConfigMap", "f:9:13"),
    ]


def test_json_is_read_too() -> None:
    found, errors = read('{"kind": "List", "items": [{"kind": "Node", "spec": {"podCIDR": "10.42.0.0/24"}}]}')
    assert errors == []
    assert found[0].at("spec", "podCIDR").text() == "10.42.0.0/24"
    assert found[0].at("spec", "nothing", "here").value is None


def test_values_have_the_shape_that_is_asked_for_or_are_mistakes() -> None:
    (found,), _ = read("{kind: X, a: {b: 5, c: [1], d: no, e: true, f: 80}}")
    part = found.at("a")
    assert (part.at("b").text(), part.at("e").truth(usual=False), part.at("f").port()) == ("5", True, 80)
    assert [one.value for one in part.at("c").items()] == [1]
    assert part.at("c").text("usual") == "usual"
    assert (part.at("d").truth(usual=True), part.at("d").port()) == (True, 0)
    assert list(part.at("b").items()) == []
    assert part.at("b", "more").value is None
    assert [str(error) for error in found.problems.errors] == [
        "f:1:24: expected text, found [1]",
        "f:1:32: expected true or false, found 'no'",
        "f:1:32: expected a port, found 'no'",
        "f:1:18: expected a list, found 5",
        "f:1:18: expected a mapping, found 5",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n", "f:1:1: expected the kind of an object, found nothing"),
        ("---\n- 1\n", "f:2:1: expected a mapping, found [1]"),
        ("kind: X\n---\n{{ .Values }}\n", "f:3:2: expected text as the key, found a mapping"),
        ("kind: [1]\n", "f:1:7: expected the kind of an object, found [1]"),
    ],
)
def test_what_is_no_object_is_told_with_its_place(text: str, message: str) -> None:
    _, errors = read(text)
    assert errors[0] == message


def test_documents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MAX_DOCUMENTS", 3)
    assert read("---\nkind: X\n" * 2)[1] == []
    assert read("---\nkind: X\n" * 3)[1] == ["f:1:1: expected at most 3 documents, found 3"]
