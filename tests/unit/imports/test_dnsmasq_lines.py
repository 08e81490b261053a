from __future__ import annotations

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.dnsmasq_lines import options


@pytest.mark.parametrize(
    ("line", "name", "fields"),
    [
        ("address=/a/1.2.3.4", "address", ("/a/1.2.3.4",)),
        ("  no-hosts  # why", "no-hosts", ()),
        ("server=9.9.9.9#53 # why", "server", ("9.9.9.9#53",)),
        ('txt-record=a,"x, #y",z', "txt-record", ("a", "x, #y", "z")),
        (r'txt-record=a,"say \"hi\"\t"', "txt-record", ("a", 'say "hi"\t')),
        ("--cname=a , b", "cname", ("a", "b")),
        ("domain=", "domain", ()),
    ],
)
def test_a_line_is_an_option_and_its_fields(line: str, name: str, fields: tuple[str, ...]) -> None:
    (option,) = options(Printed(f"# comment\n\n{line}\n", "d.conf"))

    assert (option.name, option.fields, option.where.line) == (name, fields, 3)
