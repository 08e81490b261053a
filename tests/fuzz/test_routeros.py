"""Whatever a RouterOS device seems to have exported, the reader knows ``ConfigError`` with its place alone.

Files are mutated as text, and word by word, so that commands stay commands and a value becomes another's.
"""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros.read import read
from splitdns.check.model import Network
from tests.check.reading import read_or_told
from tests.check.routeros.goldens import CASES

TEXTS = [case.read_text() for case in CASES]
WORDS = sorted({word for text in TEXTS for word in re.split(r"([ \n=,])", text)} | {
    "[", "]", "{", "}", '"', "\\", "\\\n", "!", ";", "#", "$x", ":put", "..", "add", "set", "remove", "move",
    "place-before=0", "[find]", "[find comment=a]", "numbers=0", "9" * 40, "0", "-1", "٣", "\0", "1.2.3.4/0",
    "::1", "2001:db8::/129", "255.255.255.255-0.0.0.0", "action=netmap", "action=jump", "jump-target=input",
    "from-pool=a", "dynamic", "0 D", "limit=1", "\ud800".encode("utf-8", "replace").decode(),
})  # fmt: skip


def check(text: str) -> None:
    read_or_told(lambda: read([Printed(text, "export.rsc")], Network()))


def mutated(text: str, seed: int) -> str:
    """``text`` with some words exchanged, left out, doubled, or another's."""
    chance = random.Random(seed)
    words = re.split(r"([ \n=,])", text)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                words[at] = chance.choice(WORDS)
            case 1:
                words[at] = ""
            case 2:
                words.insert(at, words[chance.randrange(len(words))])
            case _:
                words.insert(at, chance.choice(WORDS))
    return "".join(words)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_an_export_with_other_words_is_read_or_refused(case: Path, seed: int) -> None:
    check(mutated(case.read_text(), seed))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('/ipadse t=\\\n"[]{}();#!,.:0189-~$fw'), max_size=120))
@example("/ip address\nadd address=")
@example('/ip firewall nat\nadd chain="')
@example("/interface list\nadd name=a include=a,b\nadd name=b include=a")
@example("/ip firewall nat\nmove 0 [find]")
@example("[admin@a] > ")
def test_any_text_is_read_or_refused(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TEXTS), st.integers(0, 4_000), st.integers(0, 400))
def test_an_export_that_was_cut_is_read_or_refused(text: str, at: int, length: int) -> None:
    check(text[:at] + text[at + length :])


@pytest.mark.parametrize(
    "text",
    [
        "/ip firewall nat\n" + "add chain=dstnat\n" * 20_000 + "set [find comment=b] comment=c\n" * 400,
        "/ip firewall address-list\n"
        + "".join(f"add address=10.{at // 128}.{at % 128 * 2}.1 list=a\n" for at in range(30_000)),
        "add " + "[" * 100_000,
        "/ip address\nadd " + "\\\n" * 200_000,
        "# " * 100_000,
        "/a " * 50_000,
        "/interface list\n" + "".join(f"add name=l{at} include=l{at + 1}\n" for at in range(5_000)),
    ],
    ids=["searches", "entries", "brackets", "folds", "comments", "menus", "lists"],
)
def test_a_large_text_is_read_in_bounded_time(text: str) -> None:
    begun_s = time.process_time()
    check(text)
    assert time.process_time() - begun_s < 20
