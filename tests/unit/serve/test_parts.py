"""What is handed over to the compiled parts; what they do with it, other tests show."""

from __future__ import annotations

from dataclasses import replace

from splitdns import accelerator
from splitdns.addresses import EMBEDDED, INSIDE_PREFIXES
from splitdns.answer.direct import Direct
from splitdns.names import from_text
from splitdns.serve.loop import Way
from splitdns.serve.parts import COMPILED, PARTS, PURE, TYPES, laid_out
from splitdns.snapshot import Manners
from tests.build import view, zone


def test_the_parts_are_those_that_the_accelerator_says() -> None:
    assert (COMPILED is None) is (accelerator.NATIVE is None)
    assert PARTS is (COMPILED if accelerator.RUNS else PURE)


def test_a_view_is_laid_out_with_what_direct_answers_depend_on() -> None:
    hidden = frozenset({b"\xc6\x33\x64\7", bytes(16)})
    made = replace(view(zone("www IN A 198.51.100.1\n"), horizon=("outside",)), hidden_addresses=hidden)
    direct = Direct(made, Manners(payload_octets=1400))
    asked: list[str] = []

    def way_of(label: str) -> Way:
        asked.append(label)
        return Way(1)

    recursion, outside, payload_octets, types, inside, addresses, names, grounds = laid_out(direct, way_of)

    assert (recursion, outside, payload_octets) == (False, True, 1400)
    assert {number for number in range(TYPES) if types[number]} == set(direct.types)
    assert len(inside) == len(INSIDE_PREFIXES) + len(EMBEDDED)
    assert (b"\x0a\0\0\0", 8, 0) in inside
    assert addresses == (bytes(16), b"\xc6\x33\x64\7" + bytes(12))
    assert names == (from_text("example.org."),)
    block, apex_octets, closed, denials, deny, _, owner = grounds[0]
    assert (block, apex_octets, closed) == (made.zones[names[0]].block, len(names[0]), True)
    assert (asked, owner) == (["example.org."], ("example.org.", made.name))
    name = b"\4NONE" + names[0]
    assert deny(name, len(name)) == denials[len(name)]
