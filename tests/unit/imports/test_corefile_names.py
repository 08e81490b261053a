"""What is answered by plugins, beside what tests/imports asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.corefile import found_in
from splitdns.imports.entries import Found

REST = "forward . 9.9.9.9\n"


def found(body: str, zone: str = ".") -> Found:
    return found_in(Printed(f"{zone} {{\n{body}\n{REST}}}\n", "Corefile"), Path())


def test_without_fallthrough_a_zone_has_no_other_names() -> None:
    made = found("hosts {\n 10.0.0.1 a.x b.y\n}", "x")

    assert [(one.name, one.is_open) for one in made.entries] == [("a.x", False)]
    assert set(made.closed) == {"x"}
    assert found("hosts {\n 10.0.0.1 a.x\n fallthrough\n}", "x").closed == {}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('template IN A x.y {\n answer "{{ .Name }} 60 IN A 10.0.0.1"\n}', [("x.y", False, True)]),
        ('template IN A {\n match ^a[.]x[.]$\n answer "{{.Name}} A 10.0.0.1"\n}', [("^a[.]x$", True, False)]),
    ],
)
def test_a_template_is_a_wildcard_or_a_pattern(body: str, names: list[tuple[str, bool, bool]]) -> None:
    assert [(one.name, one.is_pattern, one.beneath) for one in found(body).entries] == names


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("hosts {\n 10.0.0.1 a.x\n no_reverse\n fallthrough\n}",
         "addresses have PTR records all the same: see `ptr` in a zone"),
        ("hosts {\n 10.0.0.1 a.x\n}",
         "names that `hosts` did not have did not exist; here they are asked for"),
        ("hosts {\n what ever\n fallthrough\n}", "left out: expected an address, found 'what'"),
        ('template IN A x {\n answer "{{ .Group.a }} A 10.0.0.1"\n}',
         "left out: the template {{ .Group.a }} A 10.0.0.1; records here are as they are written"),
        ('template IN A x {\n answer "{{ .Name }} A"\n}',
         "left out: expected a name, a type and a value, found 'name.invalid. A'"),
        ('template IN A {\n answer "{{ .Name }} A 10.0.0.1"\n}',
         "left out: a template for all names; no zone is so large"),
        ("template IN AAAA {\n rcode NOERROR\n}",
         "left out: a template that answers AAAA with NOERROR and no record"),
        ('template IN A x {\n additional "x"\n answer "{{ .Name }} A 10.0.0.1"\n}',
         "additional of a template is left out"),
        ("rewrite name regex a b", "left out: rewrite name regex a b; questions are not rewritten here"),
        ("rewrite name a.x b.x", "a.x was asked as b.x; here it is an alias of that"),
    ],
)  # fmt: skip
def test_what_is_not_the_same_is_told(body: str, message: str) -> None:
    assert message in [one.message for one in found(body).left]
