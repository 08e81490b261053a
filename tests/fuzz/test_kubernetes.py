"""Whatever manifests seem to say, their reader knows ``ConfigError`` with a place, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.kubernetes.onto import onto
from splitdns.check.dialects.printed import Printed
from tests.check.gateways import PUBLIC, gateway
from tests.check.kubernetes.manifests import endpoints, node, pod, service, together
from tests.check.reading import read_or_told

WHOLE = together(
    service("web", "LoadBalancer", "80:30080 53:30053/UDP", PUBLIC, loadBalancerSourceRanges=["10.0.0.0/8"]),
    endpoints("web", "10.42.0.5", "2001:db8::5", ports="80:8080 53/UDP", node="one"),
    node("one", PUBLIC, pods="10.42.0.0/24"),
    pod("dns", "10.42.0.7", 5300, 53, PUBLIC),
)
VALUES = ['""', "null", "true", "[]", "{}", "0", "65536", "9" * 5_000, '"192.0.2.1"', '"::/0"', "[1]"]
CHARACTERS = ["", "{", "\n---\n", "\0", "&a ", "!x ", "'"]
_VALUE = re.compile(r'"[^"]*"|\b[0-9]+\b|\[[^][]*\]')


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Some values replaced, or some characters changed."""
    text = WHOLE
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)):
            at = draw(st.sampled_from(list(_VALUE.finditer(text)) or [re.search("", text)]))
            assert at is not None
            text = text[: at.start()] + draw(st.sampled_from(VALUES)) + text[at.end() :]
        else:
            where = draw(st.integers(0, len(text)))
            text = text[:where] + draw(st.sampled_from(CHARACTERS)) + text[where + 1 :]
    return text


@given(mutated())
@example("")
@example(WHOLE)
@settings(max_examples=100, deadline=None)
def test_no_manifest_is_more_than_an_error(text: str) -> None:
    read_or_told(lambda: onto([Printed(text, "f")], gateway(hosts=())))


def test_the_seed_is_read() -> None:
    assert onto([Printed(WHOLE, "f")], gateway(hosts=())).ruleset.rules > 5
    with pytest.raises(ExceptionGroup):
        onto([Printed("---\n{{ .Values }}\n", "f")], gateway())
