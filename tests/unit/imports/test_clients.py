"""Lists that are read from the top, as longest prefixes: the same for every address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, ip_network

from hypothesis import given
from hypothesis import strategies as st

from splitdns.imports.clients import division
from splitdns.view import Prefix

PREFIXES = st.builds(
    lambda address, length: IPv4Network((address & ~((1 << 32 - length) - 1) & 0xFFFFFFFF, length)),
    st.integers(0x0A000000, 0x0A00000F),
    st.integers(24, 32),
)


@given(st.lists(st.tuples(PREFIXES, st.sampled_from("ab-")), max_size=8))
def test_the_longest_prefix_leads_where_the_first_element_did(rules: list[tuple[IPv4Network, str]]) -> None:
    def first(inside: Sequence[Prefix]) -> str:
        return next((what for prefix, what in rules if prefix in inside), "nobody")

    found = division([prefix for prefix, _ in rules], first)

    named = [(one, what) for what, own in found.items() for one in own]
    longest = [(ip_network("0.0.0.0/0" if one == "any" else one), what) for one, what in named]
    assert len({prefix for prefix, _ in longest}) == len(longest)
    for value in range(0x0A000000, 0x0A000010):
        address = IPv4Address(value)
        expected = next((what for prefix, what in rules if address in prefix), "nobody")
        _, got = max((one.prefixlen, what) for one, what in longest if one.version == 4 and address in one)
        assert got == expected


def test_everybody_else_is_any_where_both_families_agree() -> None:
    def outcome(inside: Sequence[Prefix]) -> str:
        return "lan" if len(inside) > 1 else "world"

    assert division([ip_network("10.0.0.0/8")], outcome) == {"world": ["any"], "lan": ["10.0.0.0/8"]}
    assert division([], lambda inside: inside[0].version) == {4: ["0.0.0.0/0"], 6: ["::/0"]}
