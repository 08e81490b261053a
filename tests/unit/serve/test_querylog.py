import ipaddress
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitdns.logs import Format
from splitdns.metrics import QUERYLOG_DROPPED, Counts
from splitdns.names import wire_from_text
from splitdns.serve.logfile import LogFile, Rotation
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.serve.querylog import WRITE_OCTETS, QueryLog, Stream, json_line, text_line
from splitdns.view import Prefix
from splitdns.wire.message import Transport

LAN = ipaddress.ip_network("192.168.0.0/16")
PATIENCE_S = 60.0


def entry(
    name: str = "WWW.example.org.",
    *,
    view: str = "lan",
    prefix: Prefix | None = LAN,
    qclass: int = 1,
    rcode: int = 0,
    readable: bool = True,
) -> QueryLogEntry:
    return QueryLogEntry(
        time_s=1_772_366_400.5,
        client="192.168.1.5",
        transport=Transport.UDP,
        view=view,
        prefix=prefix,
        name=wire_from_text(name) if readable else b"",
        qtype=28,
        qclass=qclass,
        rcode=rcode,
        provenance="zone",
        request_octets=45,
        response_octets=90,
        duration_s=0.000_123_4,
    )


def test_a_line_says_who_asked_what_and_what_the_answer_came_from() -> None:
    assert text_line(entry()) == (
        "2026-03-01T12:00:00.500Z QUERY   client=192.168.1.5 transport=udp name=WWW.example.org. class=IN"
        " type=AAAA view=lan prefix=192.168.0.0/16 rcode=NOERROR from=zone request_octets=45"
        " response_octets=90 duration_ms=0.123\n"
    )


def test_a_line_of_json_says_the_same() -> None:
    assert json.loads(json_line(entry())) == {
        "time": "2026-03-01T12:00:00.500Z",
        "event": "query",
        "client": "192.168.1.5",
        "transport": "udp",
        "name": "WWW.example.org.",
        "class": "IN",
        "type": "AAAA",
        "view": "lan",
        "prefix": "192.168.0.0/16",
        "rcode": "NOERROR",
        "from": "zone",
        "request_octets": 45,
        "response_octets": 90,
        "duration_ms": 0.123,
    }


@pytest.mark.parametrize(
    ("view", "prefix", "shown"),
    [("lan", LAN, "192.168.0.0/16"), ("internet", None, "any"), ("", None, "")],
)
def test_the_prefix_is_the_one_that_chose_the_view(view: str, prefix: Prefix | None, shown: str) -> None:
    assert json.loads(json_line(entry(view=view, prefix=prefix)))["prefix"] == shown


def test_what_has_no_name_is_given_as_a_number() -> None:
    fields = json.loads(json_line(entry(qclass=250, rcode=11)))

    assert (fields["class"], fields["rcode"]) == ("CLASS250", "RCODE11")


def test_a_question_that_could_not_be_read_has_no_name() -> None:
    assert 'name="" ' in text_line(entry(readable=False))


def test_a_name_cannot_forge_a_line() -> None:
    line = text_line(entry(r"a\010QUERY\032x=\"y.example.org."))

    assert line.count("\n") == 1
    assert json.loads(line.split("name=")[1].split(" class=")[0]) == r"a\010QUERY\032x=\"y.example.org."


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


@pytest.mark.parametrize("style", ["text", "json"])
def test_every_entry_is_written_when_it_is_closed(pipe: tuple[int, int], style: Format) -> None:
    reading, writing = pipe
    querylog = QueryLog(Stream(writing), style, Counts())
    for number in range(100):
        querylog(entry(f"host{number}.example.org."))
    querylog.start()
    querylog.close(PATIENCE_S)
    os.close(writing)

    with os.fdopen(os.dup(reading)) as log:
        names = re.findall(r"host(\d+)\.example\.org", log.read())
    assert names == [str(number) for number in range(100)]


def test_workers_do_not_cut_each_others_lines() -> None:
    querylog = QueryLog(Stream(-1), "text", Counts())
    long = ".".join(["x" * 60] * 4) + "."
    for _ in range(100):
        querylog(entry(long))

    batches = []
    while batch := querylog._batch():
        batches.append(batch)

    assert len(batches) > 1
    assert all(batch.endswith(b"\n") and len(batch) <= WRITE_OCTETS for batch in batches)


def test_lines_are_dropped_and_counted_where_nobody_reads(pipe: tuple[int, int]) -> None:
    counts = Counts()
    querylog = QueryLog(Stream(pipe[1]), "text", counts, max_lines=10)

    for _ in range(25):
        querylog(entry())

    assert counts.value(QUERYLOG_DROPPED) == 15
    os.close(pipe[1])


def test_a_stream_that_is_gone_ends_the_log_and_nothing_else() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    querylog = QueryLog(Stream(writing), "text", Counts())
    querylog(entry())
    querylog.start()
    querylog.close(PATIENCE_S)
    os.close(writing)


def test_lines_wait_until_there_is_a_place_to_write_them_to(tmp_path: Path) -> None:
    counts = Counts()
    path = tmp_path / "later" / "q.log"
    querylog = QueryLog(LogFile(Rotation(str(path), 10**6, 0, 1)), "text", counts)
    querylog(entry())
    querylog.start()
    path.parent.mkdir()
    querylog.close(PATIENCE_S)

    assert path.read_text() == text_line(entry())
    assert counts.value(QUERYLOG_DROPPED) == 0
