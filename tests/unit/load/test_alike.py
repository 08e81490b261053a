"""Lines that look alike are read as they would be one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.errors import Problems
from splitdns.load import alike, master
from splitdns.load.declared import DeclaredZone
from splitdns.names import Qname, from_text
from splitdns.records import Type

ORIGIN = from_text("example.org.")


def lines(middle: str = "A", value: str = "192.0.2.{}", name: str = "host{}", count: int = 20) -> str:
    return "".join(f"{name.format(at)} {middle} {value.format(at)}\n" for at in range(count))


@pytest.mark.parametrize(
    ("middle", "ttl_s"),
    [("A", None), ("IN A", None), ("60 A", 60), ("60\tIN  A", 60), ("IN 0 A", 0)],
)
def test_lines_that_differ_in_name_and_address_are_taken_together(middle: str, ttl_s: int | None) -> None:
    text = "; these\n" + lines(middle) + "www CNAME host1\n"
    end, found = alike.read(text, len("; these\n"), ORIGIN)
    assert text[end:] == "www CNAME host1\n"
    assert found is not None
    assert (found.rdtype, found.ttl_s) == (Type.A, ttl_s)
    assert found.names == [from_text(f"host{at}.example.org.") for at in range(20)]
    assert found.rdatas == [bytes([192, 0, 2, at]) for at in range(20)]


def test_ipv6_addresses_are_taken_together_too() -> None:
    _, found = alike.read(lines("AAAA", "2001:db8::{}"), 0, ORIGIN)
    assert found is not None
    assert (found.rdtype, len(found.rdatas[0])) == (Type.AAAA, 16)


@pytest.mark.parametrize(
    "text",
    [
        lines(count=alike.FEWEST - 1),
        lines() + lines("60 A", name="other{}"),
        lines() + lines("IN A", name="other{}", count=10) + lines("IN 60 A", name="third{}", count=10),
        lines() + lines("AAAA", "2001:db8::{}", "other{}"),
        lines() + lines(),
        lines("60 IN 60 A"),
        lines(value="192.0.2.256"),
    ],
)
def test_lines_that_only_look_alike_are_read_one_by_one(text: str) -> None:
    assert alike.read(text, 0, ORIGIN) == (len(text), None)


@pytest.mark.parametrize(
    "text", ["", "\n", "host A 192.0.2.1", "www.a A 192.0.2.1\n", "x" * 64 + " A 1.2.3.4\n"]
)
def test_what_does_not_begin_with_such_a_line_is_left(text: str) -> None:
    assert alike.read(text, 0, ORIGIN) == (0, None)


def test_names_that_could_be_too_long_are_read_one_by_one() -> None:
    origin = Qname((b"\x3f" + b"x" * 63) * 3 + b"\0")
    assert alike.read(lines(), 0, origin)[1] is None


LINE = st.builds(
    "{}{}{} {}{}\n".format,
    st.sampled_from(["a", "b", "host", "HOST", "x.y", "in", "60", "-", "@", "*", "far.example.com.", ""]),
    st.sampled_from([" ", "\t", " IN ", " in ", " 60 ", " 1h ", " 60 IN ", " IN 60 ", " 60 IN 60 ", " CH "]),
    st.sampled_from(["A", "AAAA", "a", "TXT", "CNAME", "NS"]),
    st.sampled_from(["192.0.2.1", "192.0.2.2", "10.0.0.01", "2001:db8::1", "::ffff:192.0.2.1", "1.2", "ab"]),
    st.sampled_from(["", " ", "\t", ";", " ; said", " )"]),
)
BLOCK = st.builds(
    lines,
    st.sampled_from(["A", "IN A", "60 A", "999999999 A", "60 60 A", "60 IN 61 A"]),
    st.sampled_from(["192.0.2.{}", "192.0.2.1{}", "192.0.2.25{}", "192.0.2.0{}"]),
    st.sampled_from(["a{}", "b{}", "A{}", "a{}.b", "60", "x" * 62 + "{}"]),
)
OTHER = st.sampled_from(
    [
        "$ORIGIN sub.example.org.\n",
        "$ORIGIN Example.org.\n",
        "$ORIGIN example.net.\n",
        "$ORIGIN " + ".".join(["x" * 60] * 3) + ".example.org.\n",
        "$TTL 300\n",
        "$TTL soon\n",
        "$GENERATE 1-9 a$ A 192.0.2.$\n",
        "; nothing\n",
        "\n",
        " A 192.0.2.9\n",
        "@ SOA ns1 host (\n 1 2 3 4\n 5 )\n",
        "long TXT ( a\na1 A 192.0.2.1\n)\n",
        "open TXT ( a\n",
        'quoted TXT "a\n',
        "ü A 192.0.2.1\n",
    ]
)
END = st.sampled_from(["", "last A 192.0.2.7", "last A 192.0.2.7 ", "last A", "a1 A 192.0.2.7\r\n"])


def either_way(path: Path, text: str) -> None:
    """A comment behind every line, and none is read together with others."""

    def read(text: str) -> tuple[DeclaredZone, list[str], list[str]]:
        path.write_bytes(text.encode())
        problems = Problems()
        zone = master.read(path, ORIGIN, problems)
        return zone, [str(one) for one in problems.errors], [str(one) for one in problems.warnings]

    assert read(text) == read(text.replace("\n", " ;\n"))


@pytest.mark.parametrize(
    "text",
    [
        f"$ORIGIN Example.org.\n{lines()}",
        f"$ORIGIN example.net.\n{lines()}",
        f"$ORIGIN sub.example.org.\n{lines()} TXT last\nwhat is this\n",
        f"$TTL 300\n{lines()}$TTL 60\n{lines(name='other{}')}",
        f"host3 60 A 192.0.2.77\n{lines()}",
        lines() + lines("60 A", "192.0.2.1{}"),
        lines("60 A") + lines("61 A", name="other{}"),
        lines() + lines("AAAA", "2001:db8::{}", "b{}") + lines("A", name="other{}"),
        lines() + lines("AAAA", "2001:db8::{}") + lines("60 A", name="other{}"),
        lines(count=2_000, name="a{}") + lines(count=2_000, name="b{}"),
        lines() + "last A 192.0.2.7",
    ],
)
def test_lines_that_follow_each_other_are_the_same_read_either_way(tmp_path: Path, text: str) -> None:
    either_way(tmp_path / "example.org.zone", text)


@settings(deadline=None)
@given(st.lists(LINE | BLOCK | OTHER, max_size=30).map("".join), END)
def test_any_zone_is_the_same_read_either_way(
    tmp_path_factory: pytest.TempPathFactory, body: str, end: str
) -> None:
    either_way(tmp_path_factory.getbasetemp() / "example.org.zone", body + end)
