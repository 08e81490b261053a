from __future__ import annotations

import pytest

from splitdns.load.generate import MAX_GENERATED, generate


@pytest.mark.parametrize(
    ("numbers", "template", "made"),
    [
        ("1-3", "host$ A 192.0.2.$", ["host1 A 192.0.2.1", "host2 A 192.0.2.2", "host3 A 192.0.2.3"]),
        ("0-4/2", "$", ["0", "2", "4"]),
        ("9-10", "h${0,3} ${-9} ${1,4,x}", ["h009 0 000a", "h010 1 000b"]),
        ("18-18", "${0,4,n}.ip6 ${0,0,X} ${0,3,o}", ["2.1.ip6 12 022"]),
        ("1-1", r"\$ $$ $", [r"\$ $ 1"]),
    ],
)
def test_a_template_is_written_once_for_each_number(numbers: str, template: str, made: list[str]) -> None:
    assert list(generate(numbers, template)) == made


@pytest.mark.parametrize("numbers", ["", "1", "3-1", "1-2/0", "a-b", "1-2-3", "-1-2"])
def test_a_range_that_is_none_is_refused(numbers: str) -> None:
    with pytest.raises(ValueError, match="range"):
        list(generate(numbers, "$"))


@pytest.mark.parametrize("field", ["${", "${x}", "${0,0,q}", "${-2}"])
def test_a_wrong_field_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        list(generate("1-1", field))


def test_the_number_of_records_is_bounded() -> None:
    assert len(list(generate(f"1-{MAX_GENERATED}", "$"))) == MAX_GENERATED
    with pytest.raises(ValueError, match="at most"):
        generate(f"0-{MAX_GENERATED}", "$")
