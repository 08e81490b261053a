from __future__ import annotations

import pytest

from splitdns.errors import Where
from splitdns.imports.rrtext import record

HERE = Where("x", 1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.example. A 192.0.2.1", ("a.example", "A", "192.0.2.1", None)),
        ("a.example 600 IN mx 10 m.example", ("a.example", "MX", "10 m.example.", 600)),
        ("a.example IN 1h CNAME b.example.", ("a.example", "CNAME", "b.example.", 3600)),
        ('a.example TXT "x y" z', ("a.example", "TXT", '"x y" "z"', None)),
        ("_s._tcp.a SRV 0 0 80 t.a", ("_s._tcp.a", "SRV", "0 0 80 t.a.", None)),
    ],
)
def test_a_record_in_one_line(text: str, said: tuple[str, str, str, int | None]) -> None:
    one = record(text, HERE)

    assert (one.name, one.rdtype, one.value, one.ttl_s) == said


@pytest.mark.parametrize("text", ["", "a", "a A", "a 5 IN", "a NOTHING x", "a 99999999999 A 1.2.3.4"])
def test_what_is_no_record_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        record(text, HERE)
