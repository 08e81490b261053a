"""Whatever a router's files say, the reader knows ``ConfigError`` with its place, and nothing else.

Files are mutated as text, and as UCI that stays UCI: a value becomes another, a line goes or comes twice.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.openwrt.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Network
from tests.check.openwrt.goldens import CASES
from tests.check.reading import read_or_told
from tests.meta.tree import ROOT

ROUTERS = [
    (ROOT / "tests" / "check" / "openwrt" / "fw4" / "router.uci").read_text(),
    *(case.read_text() for case in CASES if case.stem[:2] in ("04", "10", "13", "14", "17", "18", "20")),
]
SHOWN = """\
firewall.@defaults[0]=defaults
firewall.@defaults[0].input='REJECT'
firewall.lan=zone
firewall.lan.name='lan'
firewall.lan.network='lan' 'it'\\''s'
network.lan=interface
network.lan.device='br-lan'
network.lan.ipaddr='192.168.1.1/24'
"""
VALUES = st.sampled_from(
    ["", "*", "!", "!*", "lan", "wan", "!lan", "any", "ipv6", "0", "-1", "65536", "1-0", "9" * 5000, "1/2/3",
     "0x1/", "::/-129", "::1/::ffff:0", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "0.0.0.0/0", "\ud7ff", "²",
     "fe80::1%eth0", "tcp udp", "@lan", "@wan", "10.0.0.1/24", "echo-request", "1/0", "src_ip", "DNAT"]
)  # fmt: skip
PIECES = st.sampled_from(
    ["'", '"', "\\", "#", ";", "\n", "\0", "{", "\n{\n", "config zone\n", "list x y\n", "package x\n"]
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """One of the routers, with some lines or characters changed."""
    text = draw(st.sampled_from([*ROUTERS, SHOWN]))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                head, quote, _ = lines[at].partition("'")
                lines[at] = f"{head}'{draw(VALUES)}'" if quote else lines[at]
            case 1:
                del lines[at]
            case 2:
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case 3:
                words = lines[at].split(" ")
                words[0] = draw(st.sampled_from(["\tlist", "\toption", "config", "package"]))
                lines[at] = " ".join(words)
            case _:
                offset = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:offset] + draw(PIECES | st.text(max_size=3)) + lines[at][offset + 1 :]
        text = "\n".join(lines)
    return text


def check(text: str) -> None:
    read_or_told(lambda: read([Printed(text, "firewall")], Network()))


@given(mutated())
@example("")
@example("{")
@example("config zone 'x'\n\tlist ports \"")
@settings(max_examples=200, deadline=None)
def test_no_router_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.long
@given(mutated())
@settings(max_examples=1_500, deadline=None)
def test_no_router_of_many_is_more_than_an_error(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "line",
    [
        "config redirect\n\toption src wan\n\toption src_dport 1-65535\n\toption dest_ip 192.168.1.20\n",
        "config rule\n\toption src wan\n\tlist src_ip 10.0.0.0/8\n\toption target DROP\n",
        "config zone\n\toption name z\n",
        "'",
        "\\",
        "config interface\n\toption device @lan\n",
    ],
)
def test_much_of_it_is_read_in_bounded_time(line: str) -> None:
    text = ROUTERS[0] + "\n" + line * 5_000
    started = time.process_time()
    check(text)
    assert time.process_time() - started < 30


def test_seeds_are_read_whole() -> None:
    for text in ROUTERS:
        assert read([Printed(text, "router.uci")], Network()).ruleset.rules > 0
    with pytest.raises(ExceptionGroup):
        read([Printed("config zone\n\tlist ports \"", "firewall")], Network())
