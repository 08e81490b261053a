"""XML with the places of its elements."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import xml_places
from splitdns.errors import ConfigError


def test_elements_have_places_texts_and_children() -> None:
    head = '<?xml version="1.0" encoding="latin-1"?>\n'  # the text is text already, whatever it says
    root = xml_places.read(head + '<a x="1"> é\n <b>1</b><b/><c:d> 2 </c:d></a>', "f")
    places = [(one.tag, str(one.where)) for one in root.children]

    assert (root.tag, root.text, root.attributes) == ("a", "é", {"x": "1"})
    assert places == [("b", "f:3:2"), ("b", "f:3:10"), ("d", "f:3:14")]
    assert (root.value("d"), root.value("b"), root.value("x", usual="none")) == ("2", "1", "none")
    assert root.child("b", "c") is None
    assert [one.text for one in root.each("b")] == ["1", ""]


def test_texts_around_elements_and_in_cdata_are_one_text() -> None:
    assert xml_places.read("<a>x<b/><![CDATA[<y>]]>&amp;</a>", "f").text == "x<y>&"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1:1: expected XML: no element found"),
        ("<a>\n<b></a>", "f:2:6: expected XML: mismatched tag"),
        ("<a/><b/>", "f:1:5: expected XML: junk after document element"),
        ("<a>&x;</a>", "f:1:4: expected XML: undefined entity"),
        ("<a>\ud800</a>", "f:1:4: expected XML: not well-formed"),
        ("<a>\0</a>", "f:1:4: expected XML: not well-formed"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "f:1:13: expected an element, found a document type"),
    ],
)
def test_what_is_no_xml_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        xml_places.read(text, "f")
    assert str(caught.value).startswith(message)


def test_depth_and_size_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deepest = xml_places.MAX_DEPTH
    assert xml_places.read("<a>" * deepest + "</a>" * deepest, "f").tag == "a"
    with pytest.raises(ConfigError, match="at most 64 elements"):
        xml_places.read("<a>" * (deepest + 1) + "</a>" * (deepest + 1), "f")
    monkeypatch.setattr(xml_places, "MAX_CHARACTERS", 10)
    assert xml_places.read("<abcdefg/>", "f").tag == "abcdefg"
    with pytest.raises(ConfigError, match="at most 10 characters, found 11"):
        xml_places.read("<abcdefgh/>", "f")
