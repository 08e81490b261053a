from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.errors import Problems, Where, ZoneError
from splitdns.load import master
from splitdns.load.declared import DeclaredZone
from splitdns.load.presentation import rdata_to_text
from splitdns.names import from_text, to_text
from splitdns.records import type_to_text
from tests.lab.versions import documented_peers
from tests.loading import HEAD, SOA, found_in_master, messages, read_master


def records(zone: DeclaredZone) -> list[str]:
    return [
        f"{to_text(name.owner)} {one.ttl_s} {type_to_text(one.rdtype)} {rdata_to_text(one.rdtype, rdata)}"
        for name in zone.names.values()
        for one in name.sets
        for rdata in one.rdatas
    ]


def read(directory: Path, text: str) -> list[str]:
    zone, problems = read_master(directory, text)
    assert messages(problems) == []
    return records(zone)


def errors(directory: Path, text: str) -> list[str]:
    return messages(read_master(directory, text)[1])


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("www 60 IN A 192.0.2.1", "www.example.org. 60 A 192.0.2.1"),
        ("www IN 60 A 192.0.2.1", "www.example.org. 60 A 192.0.2.1"),
        ("www A 192.0.2.1", "www.example.org. 3600 A 192.0.2.1"),
        ("www.example.org.\t1h30m\ta\t192.0.2.1", "www.example.org. 5400 A 192.0.2.1"),
        ("WWW 60 CNAME Host.Example.NET.", "WWW.example.org. 60 CNAME Host.Example.NET."),
        ("@ 60 MX 10 mail", "example.org. 60 MX 10 mail.example.org."),
        ("t 60 TXT plain", 't.example.org. 60 TXT "plain"'),
        ('t 60 TXT "v=spf1 mx -all"', 't.example.org. 60 TXT "v=spf1 mx -all"'),
        ('t 60 TXT "v=DKIM1; p=x" "y\\"z"', 't.example.org. 60 TXT "v=DKIM1; p=x" "y\\"z"'),
        ("_sip._tcp 60 SRV 0 5 5060 sip", "_sip._tcp.example.org. 60 SRV 0 5 5060 sip.example.org."),
        ('@ 60 CAA 0 issue "ca.example.net"', 'example.org. 60 CAA 0 issue "ca.example.net"'),
        ("w 60 HTTPS 1 . alpn=h3,h2", 'w.example.org. 60 HTTPS 1 . alpn="h3,h2"'),
        ("x 60 TYPE65280 \\# 3 0102 03", "x.example.org. 60 TYPE65280 \\# 3 010203"),
        ("x 60 A \\# 4 c0000201", "x.example.org. 60 A 192.0.2.1"),
        ("a\\.b\\046c 60 A 192.0.2.1", "a\\.b\\.c.example.org. 60 A 192.0.2.1"),
        ("x 2147483648 A 192.0.2.1", "x.example.org. 0 A 192.0.2.1"),
        ("x 60 A 192.0.2.1 ; grüße", "x.example.org. 60 A 192.0.2.1"),
        ("*.apps 0 A 192.0.2.1", "*.apps.example.org. 0 A 192.0.2.1"),
        ("x 60 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", None),
        ("x 60 NAPTR 100 50 \"s\" \"z3950+I2L\" \"\" _z3950._tcp", None),
        (f"_443._tcp 60 TLSA 3 1 1 {'ab' * 32}", None),
    ],
)
def test_a_record_is_read_in_all_its_forms__rfc1035_5_1(
    tmp_path: Path, line: str, record: str | None
) -> None:
    for text in (f"{line}\n", line):
        (found,) = read(tmp_path, text)
        assert record is None or found == record


def test_directives_and_blanks_hold_for_what_follows__rfc1035_5_1_and_rfc2308_4(tmp_path: Path) -> None:
    text = """\
$TTL 300
@       IN SOA  ns1 hostmaster (
                1       ; serial
                1h 15m 1w 60 )
        IN NS   ns1     ; still the apex
$ORIGIN sub.example.org.
a       A       192.0.2.1
        A       192.0.2.2
$TTL 1d
b  60   A       192.0.2.3
   TXT  "after a TTL of its own"
$origin example.org.
c       A       192.0.2.4
"""
    assert read(tmp_path, text) == [
        "example.org. 300 SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 60",
        "example.org. 300 NS ns1.example.org.",
        "a.sub.example.org. 300 A 192.0.2.1",
        "a.sub.example.org. 300 A 192.0.2.2",
        "b.sub.example.org. 60 A 192.0.2.3",
        'b.sub.example.org. 86400 TXT "after a TTL of its own"',
        "c.example.org. 86400 A 192.0.2.4",
    ]


def test_only_a_ttl_on_the_record_is_its_own__semantics_11(tmp_path: Path) -> None:
    zone, _ = read_master(tmp_path, "$TTL 5\na A 192.0.2.1\nb 5 A 192.0.2.1\n")
    assert [name.sets[0].own_ttl for name in zone.names.values()] == [False, True]


def test_generate_makes_records(tmp_path: Path) -> None:
    assert read(tmp_path, "$GENERATE 1-3/2 host-$ 60 A 192.0.2.${100}\n") == [
        "host-1.example.org. 60 A 192.0.2.101",
        "host-3.example.org. 60 A 192.0.2.103",
    ]
    assert errors(tmp_path, "$GENERATE 1-x host$ A 192.0.2.$\n") == [
        "1:11: expected a range such as 1-100 or 0-254/2, found '1-x'"
    ]


# --- Record sets -------------------------------------------------------------------------------------------


def test_the_lowest_ttl_of_a_record_set_counts_for_all__rfc2181_5_2(tmp_path: Path) -> None:
    zone, problems = read_master(tmp_path, "w 70 A 192.0.2.1\nw 60 A 192.0.2.2\nw 80 A 192.0.2.3\n")
    assert {one.ttl_s for one in zone.names[from_text("w.example.org.")].sets} == {60}
    assert [warning.where.line for warning in problems.warnings] == [2, 3]
    assert "60 is used for all" in problems.warnings[0].message


def test_the_same_record_twice_is_one(tmp_path: Path) -> None:
    text = "w 60 A 192.0.2.1\nw 60 A 192.0.2.1\nc 60 CNAME X\nC 60 CNAME x\n"
    assert read(tmp_path, text) == ["w.example.org. 60 A 192.0.2.1", "c.example.org. 60 CNAME X.example.org."]


def test_a_name_is_the_same_in_any_case_and_keeps_that_of_its_first_record(tmp_path: Path) -> None:
    assert read(tmp_path, "Www 60 A 192.0.2.1\nwWW 60 A 192.0.2.2\n") == [
        "Www.example.org. 60 A 192.0.2.1",
        "Www.example.org. 60 A 192.0.2.2",
    ]


def test_thousands_of_records_of_one_name_take_no_quadratic_time(tmp_path: Path) -> None:
    lines = [f"w 60 A 10.0.{number >> 8}.{number & 255}\n" for number in range(20_000)]
    assert len(read(tmp_path, "".join(lines + lines[:5]))) == 20_000


# --- $INCLUDE ----------------------------------------------------------------------------------------------


def test_an_included_file_changes_nothing_after_it__rfc1035_5_1(tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "hosts").write_text("$TTL 5\n$ORIGIN x.example.org.\na A 192.0.2.1\n$INCLUDE deeper\n")
    (more / "deeper").write_text("b A 192.0.2.2\n")
    include = "$INCLUDE more/hosts sub.example.org. ; comment"
    text = f"$TTL 9\nw A 192.0.2.9\n{include}\n  TXT still-w\nz A 192.0.2.3\n"
    assert read(tmp_path, text) == [
        "w.example.org. 9 A 192.0.2.9",
        'w.example.org. 9 TXT "still-w"',
        "a.x.example.org. 5 A 192.0.2.1",
        "b.x.example.org. 5 A 192.0.2.2",
        "z.example.org. 9 A 192.0.2.3",
    ]


def test_an_included_file_is_remembered_and_named_in_errors(tmp_path: Path) -> None:
    (tmp_path / "part").write_text("\nw A wrong\n")
    zone, problems = read_master(tmp_path, '$INCLUDE "part"\n')
    assert [one.path for one in zone.included] == [str(tmp_path / "part")]
    (error,) = problems.errors
    assert error.where == Where(str(tmp_path / "part"), 2, 5)


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside", "link-out", "missing", "."])
def test_an_included_file_lies_beside_or_below_the_zone_file(tmp_path: Path, name: str) -> None:
    below = tmp_path / "zones"
    below.mkdir()
    (tmp_path / "outside").write_text("w A 192.0.2.1\n")
    (below / "link-out").symlink_to(tmp_path / "outside")
    (message,) = errors(below, f"$INCLUDE {name}\n")
    expected = "cannot read" if name in ("missing", ".") else "expected a file in"
    assert message.startswith(f"1:10: {expected}")


def test_a_mounted_config_map_may_include_across_its_links(tmp_path: Path) -> None:
    data = tmp_path / "..2024"
    data.mkdir()
    (data / "part").write_text("w 60 A 192.0.2.1\n")
    (data / "example.org.zone").write_text("$INCLUDE part\n")
    (tmp_path / "..data").symlink_to("..2024")
    for name in ("part", "example.org.zone"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    problems = Problems()
    zone = master.read(tmp_path / "example.org.zone", from_text("example.org."), problems)
    assert (messages(problems), len(zone.names)) == ([], 1)


def test_files_that_include_themselves_are_an_error(tmp_path: Path) -> None:
    (message,) = errors(tmp_path, "$INCLUDE example.org.zone\n")
    assert "8 deep at most" in message


def test_the_number_of_included_files_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    assert errors(tmp_path, "$INCLUDE empty\n" * master.MAX_INCLUDES) == []
    (message,) = errors(tmp_path, "$INCLUDE empty\n" * (master.MAX_INCLUDES + 1))
    assert message.startswith(f"{master.MAX_INCLUDES + 1}:10: expected a zone of at most")


# --- Mistakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w 60 A 192.0.2.256", "1:8: expected A data such as 192.0.2.1, found '192.0.2.256'"),
        ("w 60 AAAA 192.0.2.1", "1:11: expected AAAA data such as 2001:db8::1, found '192.0.2.1'"),
        ("w 60 MX mail", "1:9: expected MX data such as 10 mail, found 'mail'"),
        ("w 60 MX 65536 mail", "1:9: expected MX data such as 10 mail, found '65536 mail'"),
        ("w 60 CNAME a!b", "1:12: expected a name of letters"),
        ("@ 60 SOA ns1 host@x 1 1 1 1 1", "1:10: expected a name of letters"),
        ("w 60 A 192.0.2.1 192.0.2.2", "1:8: expected A data"),
        ("w 60 BOGUS x", "1:6: expected a record type such as A, MX or TYPE65280, found 'BOGUS'"),
        ("w 60 IN", "1:8: expected a record type, found the end of the line"),
        ("w 60 60 A 192.0.2.1", "1:6: expected a record type"),
        ("w 60 CH TXT x", "1:6: expected the class IN, found 'CH'"),
        ("w 60 OPT \\# 0", "1:6: expected a type of records, found OPT"),
        ("w 4294967296 A 192.0.2.1", "1:3: expected a TTL of at most"),
        ("a..b 60 A 192.0.2.1", "1:1: expected a label, found an empty one in 'a..b'"),
        ("w.net. 60 A 192.0.2.1", "1:1: expected a name at or under example.org., found w.net."),
        ("$ORIGIN net.\nw 60 A 192.0.2.1", "2:1: expected a name at or under example.org., found w.net."),
        ("w 60 SOA ns1 h 1 1 1 1 1", "1:6: expected the SOA at example.org."),
        (f"{SOA}{SOA}", "2:11: expected one SOA record, found a second one"),
        (" 60 A 192.0.2.1", "1:1: expected an owner name at the start of the line, found a blank"),
        ("( w 60 A 192.0.2.1 )", "1:1: expected an owner name at the start of the line, found a blank"),
        ("$TTL soon", "1:6: expected a TTL such as 3600 or 1h, found 'soon'"),
        ("$TTL", "1:1: expected $TTL and one TTL"),
        ("$ORIGIN sub", "1:9: expected a name that ends in a dot, found 'sub'"),
        ("$FOO", "1:1: expected one of $TTL, $ORIGIN, $INCLUDE, $GENERATE, found '$FOO'"),
        ("w 60 TXT ü", "1:10: expected ASCII, found 'ü'"),
        ("\nw 60 A 192.0.2.1\r\n", "2:0: expected lines that end as on Unix, found a carriage return"),
        ('w 60 TXT "a', '1:10: expected a " to end this string'),
        ("w 60 TXT (\n a", "1:10: expected a ) to match this (, found none"),
        ("w 60 HTTPS 1 . port=1 port=2", "1:12: expected HTTPS data"),
        ("w 60 TYPE1 \\# 3 010203", "1:12: expected A data"),
        (f"w 60 TXT {'x' * 300}", "1:10: expected TXT data such as \"text\", found 'xxxxxxxxx"),
    ],
)
def test_a_mistake_names_line_and_column_and_what_was_expected(
    tmp_path: Path, text: str, message: str
) -> None:
    found, *_ = errors(tmp_path, text)
    assert found.startswith(message)


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = "a 60 A x\nb 60 A 192.0.2.1\nc 60 (\nd 60 MX x\n@@ 60 A 192.0.2.1\n  60 TXT lost\n"
    lines = [int(message.partition(":")[0]) for message in errors(tmp_path, text)]
    assert lines == [1, 3, 4, 5, 6]


def test_a_file_that_is_no_zone_is_not_read_to_its_end(tmp_path: Path) -> None:
    found = errors(tmp_path, "what is this\n" * (master.MAX_ERRORS + 50))
    assert len(found) == master.MAX_ERRORS + 1
    assert "was not read" in "".join(found[-2:])


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    problems = Problems()
    master.read(tmp_path / "none.zone", from_text("example.org."), problems)
    assert "cannot read" in str(problems.errors[0])


ALPHABET = 'aA1. \t\n;()"\\@$*#ü\r\x00'
VOCABULARY = (
    "@ www 60 1h IN CH A TXT MX SOA LOC NSEC APL HTTPS TYPE9 192.0.2.1 10 1-3 \\# 4 c0000201 "
    "$TTL $ORIGIN $INCLUDE $GENERATE ( ) \" \n"
)
WORDS = st.sampled_from(VOCABULARY.split(" "))


@settings(deadline=None)
@given(st.one_of(st.text(alphabet=ALPHABET), st.lists(WORDS).map(" ".join), st.text()))
def test_any_text_is_a_zone_or_zone_errors(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "example.org.zone"
        path.write_text(text, newline="", encoding="utf-8", errors="surrogatepass")
        problems = Problems()
        zone = master.read(path, from_text("example.org."), problems)
    assert all(isinstance(error, ZoneError) for error in problems.errors)
    for name in zone.names.values():
        assert to_text(name.owner).lower().endswith("example.org.")


def test_progress_is_told_in_octets_until_all_is_read(tmp_path: Path) -> None:
    text = "".join(f"h{number} 60 A 192.0.2.1\n" for number in range(20_000))
    path = tmp_path / "example.org.zone"
    path.write_text(text)
    told: list[int] = []
    master.read(path, from_text("example.org."), Problems(), advance=told.append)
    assert len(told) == 2
    assert sum(told) == len(text)


# --- Judges ------------------------------------------------------------------------------------------------

DOUBTFUL = {
    "plain": "",
    "no NS at the apex": None,
    "CNAME beside A": "w 60 CNAME x\nw 60 A 192.0.2.1\n",
    "CNAME beside KEY": "w 60 CNAME x\nw 60 DNSKEY 256 3 8 AwEAAQ==\n",
    "CNAME beside NSEC": "w 60 CNAME x\nw 60 NSEC a CNAME\n",
    "two CNAMEs": "w 60 CNAME x\nw 60 CNAME y\n",
    "a CNAME twice": "w 60 CNAME x\nw 60 CNAME X\n",
    "CNAME at the apex": "@ 60 CNAME x\n",
    "two SOAs": SOA,
    "SOA below the apex": "w 60 SOA ns1 h 1 1 1 1 1\n",
    "two DNAMEs": "w 60 DNAME x\nw 60 DNAME y\n",
    "DNAME beside A": "w 60 DNAME x\nw 60 A 192.0.2.1\n",
    "DNAME beside NS": "w 60 DNAME x.example.net.\nw 60 NS ns.example.net.\n",
    "below a DNAME": "w 60 DNAME x.example.net.\nb.w 60 A 192.0.2.1\n",
    "occluded data": "s 60 NS ns.example.net.\nx.s 60 TXT a\n",
    "occluded CNAME beside A": "s 60 NS ns.example.net.\nx.s 60 CNAME a\nx.s 60 A 192.0.2.1\n",
    "CNAME at a cut": "s 60 NS ns.example.net.\ns 60 CNAME a\n",
    "wildcard NS": "*.w 60 NS ns.example.net.\n",
    "wildcard DNAME": "*.w 60 DNAME x.example.net.\n",
    "missing glue": "s 60 NS ns.s\n",
    "NS is an alias": "s 60 NS c\nc 60 CNAME ns1\n",
    "MX does not exist": "@ 60 MX 10 nowhere\n",
    "differing TTLs": "w 60 A 192.0.2.1\nw 70 A 192.0.2.2\n",
    "out of zone": "w.example.net. 60 A 192.0.2.1\n",
    "class CH": "w 60 CH TXT a\n",
    "two TTLs": "w 60 IN 60 A 192.0.2.1\n",
    "TTL with the sign bit": "w 2147483648 A 192.0.2.1\n",
    "TTL too large": "w 4294967296 A 192.0.2.1\n",
    "name with !": "a!b 60 A 192.0.2.1\n",
    "target with !": "a 60 CNAME a!b\n",
    "text too long": f"w 60 TXT {'a' * 256}\n",
    "not ASCII": "w 60 TXT ü\n",
    "carriage returns": "w 60 TXT a\r\n",
    "type 0": "w 60 TYPE0 \\# 0\n",
    "OPT": "w 60 OPT \\# 0\n",
    "unknown type": "w 60 TYPE65280 \\# 3 010203\n",
    "unknown type, wrong length": "w 60 TYPE65280 \\# 4 010203\n",
    "A, wrong length": "w 60 A \\# 3 010203\n",
    "parenthesis at the line's start": "( w 60 A 192.0.2.1 )\n",
    "relative $ORIGIN": "$ORIGIN sub\n",
    "include of nothing": "$INCLUDE nowhere\n",
    "no owner in an included file": "$INCLUDE blank\n",
}


@pytest.mark.needs("nsd-checkzone", "kzonecheck")
@documented_peers
@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_nsd_or_knot_refuses_is_refused_and_nothing_else__semantics_28(
    tmp_path: Path, case: str
) -> None:
    text = DOUBTFUL[case]
    (tmp_path / "blank").write_text(" 60 A 192.0.2.1\n")
    found, _ = found_in_master(tmp_path, SOA if text is None else HEAD + text)
    assert bool(found) == _refused_by_nsd_or_knot(tmp_path), found


def _refused_by_nsd_or_knot(directory: Path) -> bool:
    commands = (["nsd-checkzone", "example.org"], ["kzonecheck", "-o", "example.org"])
    verdicts = []
    for command in commands:
        path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
        program = shutil.which(command[0], path=path)
        assert program is not None
        argv = [program, *command[1:], "example.org.zone"]
        done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        # What kzonecheck calls an error, and not a serious one, is a warning to knotd.
        mild = "Error summary" in said and "Serious semantic error" not in said
        verdicts.append(done.returncode != 0 and not mild)
    return any(verdicts)
