"""Whatever stands in a configuration of VyOS or EdgeOS, the reader knows ``ConfigError`` and nothing else.

Configurations are mutated as text, and line by line: a word becomes another, a line comes twice or goes.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos.read import read_edgeos
from splitdns.check.model import Network
from tests.check.reading import read_or_told
from tests.check.vyos.goldens import CASES

TEXTS = [case.read_text() for case in CASES if case.suffix != ".json"]
WORDS = st.sampled_from(
    [
        "", "'", '"', "{", "}", "!", "!x", "rule", "rule 1", "rule x", "name", "10.0.0.1", "10.0.0.0/33",
        "::1", "1-", "99999", "tcp_udp", "any", "masquerade", "exclude", "disable", "0", "-1", "ADDRv4_eth0",
        "include", "address", "port", "group", "to", "rename", "edit", "top", "delete", "set", "lb-group G",
        "\\", "\x00", "\ud7ff", "é", "٣", "9" * 30, "table 7",
    ]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        words = lines[at].split()
        match draw(st.integers(0, 4)):
            case 0 if words:
                words[draw(st.integers(0, len(words) - 1))] = draw(WORDS)
                lines[at] = " ".join(words)
            case 1:
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case 2 if len(lines) > 1:
                del lines[at]
            case 3:
                lines[at] += draw(WORDS)
            case _:
                lines[at] = draw(WORDS) + lines[at] + draw(st.text(max_size=3))
    return "\n".join(lines)


def check(text: str) -> None:
    read_or_told(lambda: read_edgeos([Printed(text, "f")], Network()))


@given(mutated())
@example("")
@example("set a '")
@settings(max_examples=200, deadline=None)
def test_no_configuration_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.long
@given(mutated())
@settings(max_examples=3_000, deadline=None)
def test_no_configuration_of_many_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "edit a\n" * 100_000,
        "set " + "a " * 100_000,
        "a {\n" * 100_000,
        "set firewall name x rule 1 " + "'" * 99_999,
        "".join(f"set nat source rule {n} exclude\n" for n in range(100_000)),
        "".join(f"set firewall group address-group g{n} include g{n + 1}\n" for n in range(50_000))
        + "set firewall name x rule 1 source group address-group g0\n",
    ],
    ids=["edits", "words", "braces", "quotes", "rules", "includes"],
)
def test_what_is_long_or_deep_is_read_in_bounded_time(text: str) -> None:
    started = time.process_time()
    check(text)
    assert time.process_time() - started < 20


def test_seeds_are_configurations() -> None:
    assert len(TEXTS) > 24
    for text in TEXTS:
        assert read_edgeos([Printed(text, "f")], Network()).ruleset.rules > 5
