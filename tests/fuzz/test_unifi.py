"""Whatever a controller seems to keep, the reader knows ``ConfigError`` with its place, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.unifi.read import read
from splitdns.check.model import Network
from tests.check.reading import read_or_told
from tests.check.vyos.goldens import CASES
from tests.fuzz.test_nftables import paths

WHOLES = [json.loads(case.read_text()) for case in CASES if case.parent.name == "unifi"]

others = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2**33)
    | st.floats()
    | st.sampled_from(["", "any", "10.0.0.1", "10.0.0.0/33", "::1", "tcp", "443,x", "WAN_IN", "n1", "''"])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rule", "1", "_id"]), inner),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A configuration with values replaced, fields renamed, or, as text, some characters changed."""
    value = json.loads(json.dumps(draw(st.sampled_from(WHOLES))))
    for _ in range(draw(st.integers(1, 3))):
        inside = [path for path in paths(value) if path]
        if not inside:
            break
        *way, last = draw(st.sampled_from(inside))
        holder = value
        for step in way:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(others)
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from([*holder, "x", "rule", "zone_id", "address"]))] = holder.pop(last)
        else:
            del holder[last]
    text = json.dumps(value)
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(text)))
        put = draw(st.sampled_from(["", "[", "}", '"', "\n", "\\ud800", "9" * 5000]))
        text = text[:at] + put + text[at + 1 :]
    return text


def check(text: str) -> None:
    read_or_told(lambda: read([Printed(text, "f")], Network()))


@given(mutated())
@example("")
@example("[0123]")
@settings(max_examples=150, deadline=None)
def test_no_configuration_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.long
@given(mutated())
@settings(max_examples=2_000, deadline=None)
def test_no_configuration_of_many_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"firewall":{"name":{"x":'])
def test_what_is_nested_deeply_is_an_error(bracket: str) -> None:
    check(bracket * 50_000)
