"""Numbers that nobody can foretell, and that no two processes share."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from splitdns.forward.drawing import PAGE_OCTETS, Drawing
from splitdns.forward.parts import COMPILED


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 16, 10, 152, 8 * PAGE_OCTETS, 8 * PAGE_OCTETS + 1])
def test_a_number_has_as_many_bits_as_are_asked_for(bits: int) -> None:
    drawing = Drawing()
    drawn = [drawing.getrandbits(bits) for _ in range(60)]
    assert max(drawn) < 2**bits
    assert max(drawn).bit_length() == bits, "all but once in 2 ** 60"


@pytest.mark.parametrize("bits", [0, -1])
def test_no_bits_are_as_they_are_elsewhere(bits: int) -> None:
    def outcome(source: random.SystemRandom) -> object:
        try:
            return source.getrandbits(bits)
        except ValueError as error:
            return str(error)

    assert outcome(Drawing()) == outcome(random.SystemRandom())


def test_no_octet_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [bytes([page]) + os.urandom(PAGE_OCTETS - 1) for page in range(3)]
    left = list(pages)
    monkeypatch.setattr("splitdns.forward.drawing.os.urandom", lambda _: left.pop(0))
    drawing = Drawing()
    drawn = b"".join(drawing.getrandbits(24).to_bytes(3, "big") for _ in range(PAGE_OCTETS // 3 + 1))
    assert drawn == pages[0][: PAGE_OCTETS - 1] + pages[1][:3], "what is left and too short is not used"


def test_every_value_comes_as_often() -> None:
    drawing = Drawing()
    seen = Counter(drawing.getrandbits(3) for _ in range(8_000))
    assert sorted(seen) == list(range(8))
    assert all(800 < times < 1200 for times in seen.values())


def test_a_child_draws_something_else() -> None:
    drawing = Drawing()
    drawing.getrandbits(8)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, drawing.getrandbits(128).to_bytes(16, "big"))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 16)
    os.close(reader)
    os.close(writer)
    assert theirs != drawing.getrandbits(128).to_bytes(16, "big")


compiled = pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")


@compiled
def test_a_compiled_page_has_other_octets_each_time() -> None:
    assert COMPILED is not None
    page = COMPILED.drawing().page
    assert page is not None
    drawn = [page.randbytes(16) for _ in range(3 * PAGE_OCTETS // 16 + 3)]
    assert len(set(drawn)) == len(drawn)
    assert [len(page.randbytes(octets)) for octets in (0, 1, 4000, 4000, PAGE_OCTETS)] == [
        0,
        1,
        4000,
        4000,
        PAGE_OCTETS,
    ]
    every = Counter(b"".join(page.randbytes(PAGE_OCTETS) for _ in range(16)))
    assert all(128 < every[octet] < 400 for octet in range(256))
    for octets in (-1, PAGE_OCTETS + 1):
        with pytest.raises(ValueError, match="expected"):
            page.randbytes(octets)


@compiled
def test_a_child_draws_something_else_from_a_compiled_page() -> None:
    assert COMPILED is not None
    drawing = COMPILED.drawing()  # whose page is forgotten as long as it is there
    page = drawing.page
    assert page is not None
    page.randbytes(1)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, page.randbytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 16)
    os.close(reader)
    os.close(writer)
    assert theirs != page.randbytes(16)
