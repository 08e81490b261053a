"""Options of rules."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf import options
from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.options import Options
from splitdns.check.dialects.pf.values import Filter, On
from splitdns.check.model import Support
from splitdns.errors import ConfigError


def read(text: str) -> tuple[Options, list[tuple[Support, str]]]:
    notes: list[tuple[Support, str]] = []
    found = Options(Filter(), lambda support, name, _reason: notes.append((support, name)))
    options.read(Cursor(text, "pf.conf", {}), found)
    return found, notes


def test_state() -> None:
    assert read("keep state")[0].stateful is True
    assert read("no state")[0].stateful is False
    assert read("")[0].stateful is None
    found, notes = read("modulate state (max-src-conn-rate 5/60, overload <bad> flush global)")
    assert found.overloaded == {"bad"}
    assert notes == [(Support.IGNORED, "state options")]


def test_flags() -> None:
    assert read("flags S/SA")[0].flags == (2, 18)
    assert read("flags /SFRA")[0].flags == (0, 23)
    assert read("flags any")[0].any_flags


def test_messages() -> None:
    assert read("icmp-type { echoreq, unreach }")[0].when.icmp[1].ranges == ((3, 3), (8, 8))
    assert read("icmp6-type 128")[0].when.icmp[58].single == 128
    assert read("icmp-type unreach code needfrag")[1] == [(Support.WIDENED, "icmp code")]


def test_tags() -> None:
    assert read("tag OURS tagged THEIRS")[0].tag == "OURS"
    assert read("! tagged THEIRS")[0].when.tagged == On("THEIRS", negated=True)
    assert read("received-on em1")[0].when.received_on == (On("em1"),)


def test_translations() -> None:
    found, _ = read("nat-to (egress:0) static-port rdr-to 10.0.0.1 port 80")
    assert found.nat is not None
    assert found.rdr is not None
    assert (found.nat.static, found.rdr.ports) == (True, (80, 80))


@pytest.mark.parametrize(
    "text",
    [
        'label "x"', "queue (a, b)", "set prio 5", "set (prio 5, queue std)", "set queue htpc",
        "scrub (no-df max-mss 1440)", "max-pkt-rate 100/10", "dup-to (em2 192.0.2.1)", "reply-to em0",
    ],
)  # fmt: skip
def test_what_changes_no_packet_s_way_is_ignored(text: str) -> None:
    assert [support for support, _ in read(text)[1]] == [Support.IGNORED]


@pytest.mark.parametrize(
    "text", ["user root", "group { 0 wheel }", "user >= 1000", "probability 50%", "once"]
)
def test_what_cannot_be_known_may_hold_or_not(text: str) -> None:
    found, notes = read(text)

    assert len(found.when.unknown) == 1
    assert [support for support, _ in notes] == [Support.WIDENED]


@pytest.mark.parametrize(
    "text", ["divert-to 127.0.0.1 port 8021", "route-to 192.0.2.1", "af-to inet from 10.0.0.1", "rtable 1"]
)
def test_what_may_lead_anywhere_is_opaque(text: str) -> None:
    assert read(text)[0].opaque


@pytest.mark.parametrize("text", ["nothing", "! nothing", "flags X/Y", "icmp-type 256", "keep"])
def test_a_wrong_option_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        read(text)
