from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.blocking import Hit, find
from splitdns.errors import Problems
from splitdns.load import blocklists
from splitdns.load.blocklists import MAX_WARNINGS, ReadList, of_view, read, read_all, sniff
from splitdns.load.declared import FileId
from splitdns.load.sections import BlocklistSettings
from splitdns.load.settings import read_settings
from splitdns.names import from_text, to_text
from splitdns.records import Type
from splitdns.view import ListAction


def a_list(directory: Path, text: str, **settings: object) -> ReadList:
    path = directory / "ads.txt"
    path.write_text(text)
    one = BlocklistSettings.model_validate({"file": "ads.txt", **settings})
    return read(path, text, one, (FileId("ads.txt"), one))


def hit(one: ReadList, name: str) -> Hit | None:
    return find(one.lists, from_text(name))


def blocked(one: ReadList, *names: str) -> list[str]:
    found = ((name, hit(one, f"{name}.")) for name in names)
    return [name for name, hit in found if hit is not None and hit.action is not ListAction.ALLOW]


def warnings(one: ReadList, directory: Path) -> list[str]:
    return [str(warning).replace(f"{directory}/", "") for warning in one.warnings]


ASKED = ("a.example", "x.a.example", "b.example", "x.b.example", "c.example", "x.c.example", "example")


@pytest.mark.parametrize(
    ("form", "text", "names"),
    [
        (
            "hosts",
            "# ads\n127.0.0.1 localhost\n::1 ip6-loopback\n0.0.0.0 A.example b.example # two\n:: c.example\n",
            ["a.example", "b.example", "c.example"],
        ),
        (
            "domains",
            "a.example\n*.b.example\n.c.example\n",
            ["a.example", "b.example", "x.b.example", "c.example", "x.c.example"],
        ),
        (
            "adblock",
            "[Adblock Plus]\n! ads\n||a.example^\n||b.example^$important\n@@||x.b.example^\nc.example\n",
            ["a.example", "x.a.example", "b.example", "c.example"],
        ),
        (
            "rpz",
            "$TTL 60\n@ SOA ns. host. 1 1 1 1 1\n@ NS localhost.\na.example CNAME .\n*.b.example CNAME *.\n",
            ["a.example", "x.b.example"],
        ),
        (
            "rpz",
            "$ORIGIN rpz.test.\n@ 60 SOA ns. host. 1 1 1 1 1\n@ 60 NS localhost.\nb.example 60 CNAME .\n",
            ["b.example"],
        ),
        (
            "rpz",
            "rpz.test. 60 IN SOA ns. host. 1 1 1 1 1\nrpz.test. 60 NS ns.\nb.example.rpz.test. 60 CNAME .\n",
            ["b.example"],
        ),
    ],
)
def test_a_list_is_recognized_and_blocks_what_it_says(
    form: str, text: str, names: list[str], tmp_path: Path
) -> None:
    assert sniff(text) == form
    one = a_list(tmp_path, text)
    assert warnings(one, tmp_path) == []
    assert blocked(one, *ASKED) == names
    assert blocked(a_list(tmp_path, text, format=form), *ASKED) == names


def test_a_response_policy_zone_says_itself_what_becomes_of_a_name(tmp_path: Path) -> None:
    text = """
$TTL 60
@ SOA ns. host. 1 1 1 1 1
no     CNAME .
empty  CNAME *.
pass   CNAME rpz-passthru.
drop   CNAME rpz-drop.
tcp    CNAME rpz-tcp-only.
other  CNAME safe.example.
*.wild CNAME *.garden.example.
data   A 192.0.2.1
data   TXT "blocked"
"""
    one = a_list(tmp_path, text)
    found = [hit(one, f"{name}.") for name in ("no", "empty", "pass", "drop", "tcp")]
    assert [one.action for one in found if one is not None] == [
        ListAction.NXDOMAIN,
        ListAction.NODATA,
        ListAction.ALLOW,
        ListAction.DROP,
        ListAction.TCP,
    ]
    other, wild, data = (hit(one, name) for name in ("other.", "x.wild.", "data."))
    assert other is not None
    assert other.alias(from_text("other.")) == from_text("safe.example.")
    assert wild is not None
    assert wild.alias(from_text("x.wild.")) == from_text("x.wild.garden.example.")
    assert data is not None
    assert [rrset.rdtype for rrset in data.records] == [Type.A, Type.TXT]


@pytest.mark.parametrize(
    ("form", "line", "message"),
    [
        ("hosts", "0.0.0.0", "1:1: warning: expected an address and a name, found '0.0.0.0'"),
        ("hosts", "  192.168.1.5 nas", "1:3: warning: expected 0.0.0.0, 127.0.0.1, :: or ::1, "),
        ("domains", "two names", "1:1: warning: expected one name, found 'two names'"),
        ("domains", "a..example", "1:1: warning: expected a name, found 'a..example': an empty label"),
        ("domains", "*", "1:1: warning: expected a name, found ''"),
        ("adblock", "||a.example^$x", "1:1: warning: expected ||name^ or @@||name^, found '||a.example^$x'"),
        ("adblock", "a.example##.ad", "1:1: warning: expected ||name^ or @@||name^, found 'a.example##.ad'"),
        ("rpz", "32.1.2.0.192.rpz-ip 60 CNAME .", "1:24: warning: expected a trigger by the asked name"),
        ("rpz", "a.example 60 CNAME", "1:"),
    ],
)
def test_a_line_that_is_not_understood_is_told_with_its_place(
    form: str, line: str, message: str, tmp_path: Path
) -> None:
    first, *_ = warnings(a_list(tmp_path, f"{line}\n", format=form), tmp_path)
    assert first.startswith(f"ads.txt:{message}")


def test_one_bad_line_takes_nothing_else_away_and_many_are_counted(tmp_path: Path) -> None:
    bad = "not a name\n" * (MAX_WARNINGS + 5)
    one = a_list(tmp_path, f"a.example\n{bad}b.example\n", format="domains")
    assert blocked(one, *ASKED) == ["a.example", "b.example"]
    *_, last = warnings(one, tmp_path)
    assert len(one.warnings) == MAX_WARNINGS + 1
    assert last == "ads.txt: warning: 5 more lines are not understood, and have no effect"


def test_a_list_without_a_name_is_told(tmp_path: Path) -> None:
    assert warnings(a_list(tmp_path, "# nothing\n"), tmp_path) == [
        "ads.txt: warning: no name in this list, read as domains"
    ]


def test_names_in_other_scripts_are_written_as_in_zones(tmp_path: Path) -> None:
    one = a_list(tmp_path, "B\\195\\188cher.example\n", format="domains")
    assert one.names == 1


labels = st.lists(st.from_regex(r"[a-z0-9_-]{1,63}", fullmatch=True), min_size=1, max_size=4)


@given(labels)
def test_the_fast_reader_of_names_and_the_careful_one_agree(parts: list[str]) -> None:
    text = ".".join(parts)
    try:
        expected = from_text(f"{text}.")
    except ValueError:
        with pytest.raises(ValueError):
            blocklists._wire(text)
        return
    assert blocklists._wire(text.upper()) == expected == blocklists._wire(f"{text}.")


# --- In a configuration -----------------------------------------------------------------------------------

CONFIG = """
views:
  lan:   {clients: [192.168.0.0/16], horizon: [inside], recursion: true}
  guest: {clients: [172.16.0.0/12], horizon: [outside], recursion: true}
  all:   {clients: [any], horizon: [outside]}
forward: [{domains: ["."], upstreams: [192.0.2.53]}]
blocklists:
  - {file: ads.txt}
  - {file: kids.txt, views: [lan], action: [192.0.2.1, "2001:db8::1"]}
  - {file: fine.txt, action: allow}
"""


def loaded(directory: Path, former: tuple[ReadList, ...] = (), config: str = CONFIG) -> tuple[ReadList, ...]:
    problems = Problems()
    found = read_all(read_settings(config, "f"), directory, former, problems)
    problems.raise_errors("f")
    return found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("ads", "kids", "fine"):
        (tmp_path / f"{name}.txt").write_text(f"{name}.example\n")
    return tmp_path


def test_what_allows_comes_first_and_each_view_has_its_own(files: Path) -> None:
    lists = loaded(files)
    assert [(one.name, one.action.value) for one in of_view(lists, "lan")] == [
        ("fine", "allow"),
        ("ads", "nxdomain"),
        ("kids", "address"),
    ]
    assert [one.name for one in of_view(lists, "guest")] == ["fine", "ads"]
    assert len(lists[1].lists[0].addresses) == 2


def test_a_list_that_did_not_change_is_not_read_again(files: Path) -> None:
    first = loaded(files)
    (files / "kids.txt").write_text("other.example\nmore.example\n")
    second = loaded(files, first)
    assert [before is after for before, after in zip(first, second, strict=True)] == [True, False, True]
    changed = loaded(files, second, CONFIG.replace("{file: ads.txt}", "{file: ads.txt, action: drop}"))
    assert [before is after for before, after in zip(second, changed, strict=True)] == [False, True, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ads.txt", "gone.txt"), "f:8:12: expected a list at "),
        (("views: [lan]", "views: [all]"), "f:9:30: expected one of the views with recursion: true (lan"),
        (("action: allow", "action: maybe"), "f:10:30: expected nxdomain, nodata, refused, drop, allow, or"),
        (("file: fine.txt", "file: fine.txt, format: xml"), "f:10:30: expected "),
    ],
)
def test_mistakes_have_their_place(change: tuple[str, str], message: str, files: Path) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        loaded(files, config=CONFIG.replace(*change))
    assert str(caught.value.exceptions[0]).startswith(message)


def test_names_are_as_many_as_there_are(files: Path) -> None:
    assert [one.names for one in loaded(files)] == [1, 1, 1]
    assert to_text(next(loaded(files)[0].lists[0].names.nodes()).name) == "ads.example."


words = st.sampled_from(
    ["0.0.0.0", "::1", "a.example", "||", "^", "@@", "*", ".", "#", "!", "CNAME", "SOA", "$TTL", "60"]
)
lines = st.lists(words | st.text(max_size=5), max_size=4).map(" ".join)


@given(st.lists(lines, max_size=8).map("\n".join), st.sampled_from(["auto", "hosts", "domains", "adblock"]))
def test_whatever_stands_in_a_list_it_is_read(text: str, form: str) -> None:
    one = BlocklistSettings.model_validate({"file": "ads.txt", "format": form})
    if form == "auto" and sniff(text) == "rpz":
        return
    found = read(Path("ads.txt"), text, one, (FileId("ads.txt"), one))
    assert len(found.warnings) <= MAX_WARNINGS + 2
    for part in found.lists:
        for node in part.names.nodes():
            assert find(found.lists, node.name) is not None
