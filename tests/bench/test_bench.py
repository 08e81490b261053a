"""The bench's own arithmetic: what it counts, how it judges, what it prints and draws."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from random import Random

import dns.flags
import dns.message
import pytest

from tests.bench import bars, measure, questions, rows, table
from tests.bench.__main__ import chart
from tests.bench.bars import Bar
from tests.bench.chart import Panel, svg
from tests.bench.compiled import Programs
from tests.bench.contestant import Data, Started
from tests.bench.contestants import ACCELERATED, PURE, PURE_TWICE
from tests.bench.generator import Found, Latency
from tests.bench.machine import description
from tests.bench.measure import Turn
from tests.bench.rounds import Results, _in_turn
from tests.bench.rows import Row
from tests.lab.machine import Here

HOLDER = """
import mmap, os, time
held = os.memfd_create("held")
os.ftruncate(held, 32 << 20)
mapping = mmap.mmap(held, 32 << 20)
while True:
    pass
"""


def took(per_s: float, cpu_us: float = 5.0, **more: object) -> Turn:
    """A turn with such a rate and cost."""
    asked, lost, wrong = 100_000, int(str(more.pop("lost", 0))), int(str(more.pop("wrong", 0)))
    latency = more.pop("latency", None)
    assert latency is None or isinstance(latency, Latency)
    found = Found(asked, asked - lost - wrong, per_s, lost, 0, wrong, {}, None, latency, 0.0)
    shares, foreign = more.pop("shares", (1.0,)), more.pop("foreign", 0.0)
    assert isinstance(shares, tuple)
    assert isinstance(foreign, float)
    assert not more
    return Turn(found, cpu_us, shares, foreign)


# --- Questions ---------------------------------------------------------------------------------------------


def read(file: Path) -> list[tuple[dns.message.Message, int, int, bytes]]:
    """Queries, rcodes, least answers and addresses."""
    octets, found = file.read_bytes(), []
    while octets:
        length = int.from_bytes(octets[:2], "big")
        query = dns.message.from_wire(octets[8 : 8 + length])
        found.append((query, octets[2], octets[3], octets[4:8]))
        octets = octets[8 + length :]
    return found


def test_a_file_has_queries_and_what_they_have_to_be_answered(tmp_path: Path) -> None:
    asked = read(questions.write(tmp_path / "queries", questions.known(50, 4000, questions.OUTSIDE)))
    assert len(asked) == 4000
    for query, rcode, answers, address in asked:
        name = str(query.question[0].name)
        if rcode == questions.NXDOMAIN:
            assert (name[:3], answers, address) == ("no-", 0, bytes(4))
        else:
            number = int(name.partition(".")[0].removeprefix("host"))
            assert 0 <= number < 50
            assert (answers, address) == (1, bytes([45, 0, 0, 1 + number]))
    negative = sum(rcode == questions.NXDOMAIN for _, rcode, _, _ in asked)
    edns = sum(query.edns >= 0 for query, _, _, _ in asked)
    dnssec = sum(bool(query.ednsflags & dns.flags.DO) for query, _, _, _ in asked)
    shares = (questions.NEGATIVE_SHARE, questions.EDNS_SHARE, questions.DO_SHARE)
    assert [count / 4000 for count in (negative, edns, dnssec)] == pytest.approx(shares, abs=0.03)


def test_both_horizons_are_asked_the_same(tmp_path: Path) -> None:
    inside, outside = (questions.known(50, 100, horizon) for horizon in questions.HORIZONS)
    assert [one.name for one in inside] == [one.name for one in outside]


def test_of_a_server_with_addresses_of_its_own_no_address_is_expected() -> None:
    assert {one.address for one in questions.known(50, 100, questions.UNCHECKED)} == {None}
    assert {(one.rcode, one.answers) for one in questions.known(50, 100, questions.ECHO)} == {(0, 0)}


def test_the_zone_has_every_name_that_is_asked_for(tmp_path: Path) -> None:
    zone = questions.zone(tmp_path / "zone", 50, questions.INSIDE).read_text()
    for one in questions.known(50, 100, questions.INSIDE):
        if one.rcode == questions.NOERROR:
            assert f"{one.name.partition('.')[0]} A {one.address}\n" in zone


def test_each_of_many_views_has_a_client(tmp_path: Path) -> None:
    data = Data(tmp_path, 3, views=600)
    assert len(data.views) == len({view.network for view in data.views}) == 600
    assert data.clients == 300
    assert {view.network for view in data.views} >= {"127.1.0.1/32", "127.1.1.44/32", "127.2.1.44/32"}
    assert len(Data(tmp_path, 3, views=1).views) == 1


# --- Turns -------------------------------------------------------------------------------------------------


def test_memory_counts_a_memory_file_whole_though_nobody_looked_at_it(tmp_path: Path) -> None:
    here = Here(tmp_path)
    try:
        daemon = here.start(sys.executable, "-c", HOLDER)
        while measure.memory_octets(daemon) < 32 << 20:  # else the test times out
            assert daemon.running
        assert measure.memory_octets(daemon) < 64 << 20
        while measure.cpu_s(daemon) < 0.05:
            assert daemon.running
    finally:
        here.stop()


def test_a_turn_says_what_an_answer_costs(tmp_path: Path) -> None:
    here = Here(tmp_path)
    try:
        daemon = here.start(sys.executable, "-c", "while True: pass")

        def ask() -> Found:
            begun_s = measure.cpu_s(daemon)
            while measure.cpu_s(daemon) < begun_s + 0.1:
                assert daemon.running
            return took(1000).found

        turn = measure.turn(daemon, (), ask)
        assert turn.cpu_us >= 1e6 * 0.1 / turn.found.answers
        assert turn.shares == (1.0,)
    finally:
        here.stop()


def test_in_each_round_somebody_else_begins() -> None:
    def nothing(_: object) -> Found:
        raise NotImplementedError

    row = Row("row", nothing, only=("a", "c", "d"))
    assert [_in_turn("abcd", row, number) for number in range(2)] == [["a", "c", "d"], ["c", "d", "a"]]


# --- Bars --------------------------------------------------------------------------------------------------


def test_the_ratio_is_the_median_of_the_ratios_within_each_round() -> None:
    """The peer's median is 100, ours 100: yet in most rounds ours was half as fast."""
    ours, peers = (50, 100, 400), (100, 200, 100)
    turns = {rows.HITS: {PURE: [took(one) for one in ours], "Unbound": [took(one) for one in peers]}}
    assert bars.ratio(Results(turns), Bar(rows.HITS, PURE, "Unbound", 1.0)) == 0.5


@pytest.mark.parametrize(("rate", "is_met"), [(85.6, True), (85.4, False)])
def test_a_bar_is_met_five_hundredths_below_it(rate: float, is_met: bool) -> None:
    turns = {rows.HITS: {PURE: [took(rate)], "Unbound": [took(100)]}}
    (judgement,) = bars.judge(Results(turns))
    assert judgement.bar == "at least 0.9 × Unbound's answers/s"
    assert judgement.is_met is is_met


def test_an_aim_is_judged_by_itself() -> None:
    turns = {rows.HITS: {ACCELERATED: [took(110)], "dnsdist": [took(100)]}}
    judged = [(one.is_aim, one.is_met) for one in bars.judge(Results(turns))]
    assert judged == [(False, True), (True, False)]


def test_less_latency_and_processor_time_are_better() -> None:
    slow, fast = (took(10_000, latency=Latency(us, us, us)) for us in (40.0, 20.0))
    turns = {rows.LATENCY: {PURE: [slow], "Unbound": [fast]}}
    assert [one.is_met for one in bars.judge(Results(turns))] == [False, False]
    turns = {rows.LATENCY: {PURE: [fast], "Unbound": [slow]}}
    assert [one.is_met for one in bars.judge(Results(turns))] == [True, True]


def test_two_workers_share_the_ports_evenly_or_not() -> None:
    for lost, is_met in ((50_000, True), (45_500, True), (54_500, True), (45_400, False), (100_000, False)):
        turns = {rows.SHARES: {PURE_TWICE: [took(1, lost=lost)]}}
        assert [one.is_met for one in bars.judge(Results(turns))] == [is_met]


def test_starts_have_bars_of_their_own() -> None:
    results = Results(starts={"100 names": {PURE: Started(0.3, 70 << 20)}})
    assert [(one.value, one.is_met) for one in bars.judge(results)] == [("0.30 s", True), ("70 MiB", False)]


def test_every_bar_is_of_a_row_and_of_contestants_that_there_are(tmp_path: Path) -> None:
    stages = rows.stages(Programs(tmp_path / "generator", tmp_path / "echo"))
    there = {
        (row.title, name)
        for stage in stages
        for row in stage.rows
        for name in stage.contestants
        if row.only is None or name in row.only
    }
    for bar in bars.BARS:
        assert {(bar.row, bar.ours), (bar.row, bar.peer)} <= there
    started = {(stage.title, name) for stage in stages for name in stage.contestants}
    assert set(bars.STARTS) <= started


# --- What is printed ---------------------------------------------------------------------------------------


def results() -> Results:
    rng = Random(1)
    titles = (rows.VIEWS_100, rows.VIEWS_10000, rows.COLD, *rows.SCALE.values())
    turns = {
        title: {name: [took(rng.randrange(50_000, 300_000))] for name in (PURE, ACCELERATED, "NSD", "BIND")}
        for title in titles
    }
    return Results(turns, {"100 names": {PURE: Started(0.31, 40 << 20)}})


def test_the_table_has_rates_and_what_was_not_as_it_should_be() -> None:
    turns = [took(90_000, 10), took(80_000, 12.5), took(95_000, 8, foreign=0.5, lost=600)]
    found = Results({rows.HITS: {PURE: turns}, rows.MISSES: {"BIND": [took(4_321, 200, wrong=3)]}})
    assert table.rates(found)[-2:] == [
        f"| {PURE} | 90 (80–95), 100 (0.2% lost, 1 disturbed) |  |",
        "| BIND |  | 4.3 (4.3–4.3), 5.0 (3 wrong) |",
    ]


def test_the_other_tables() -> None:
    turns = {
        rows.LATENCY: {"NSD": [took(1, latency=Latency(20, 31, 99))]},
        rows.MISS_LATENCY: {"BIND": [took(1, latency=Latency(40, 50, 60))]},
        rows.WORKERS: {PURE_TWICE: [took(1, 4.5, shares=(0.5, 0.48, 0.02))]},
    }
    found = Results(turns, {"100 names": {"NSD": Started(0.1, 3 << 20)}})
    assert table.latencies(found) == [
        "| µs: p50, p99, p99.9 | latency, 10,000/s | latency, cache miss, 1,000/s |",
        "|---|---:|---:|",
        "| NSD | 20, 31, 99 |  |",
        "| BIND |  | 40, 50, 60 |",
    ]
    assert table.workers(found)[-1] == f"| {PURE_TWICE} | 4.50 | 50%, 48% |"
    assert table.starts(found)[-1] == "| NSD | 0.10 s, 3 MiB |"
    turns = {rows.HITS: {PURE: [took(90)], "Unbound": [took(100)]}}
    assert table.bars(bars.judge(Results(turns)))[-1] == (
        f"| {rows.HITS} | {PURE} | at least 0.9 × Unbound's answers/s"
        " | 0.90 (by processor time 1.00) | met |"
    )


def test_everything_is_kept_for_machines() -> None:
    found = results()
    kept = json.loads(json.dumps(table.as_json(found, bars.judge(found), {"cores": 2})))
    assert kept["cores"] == 2
    assert kept["rows"][rows.COLD][PURE]["per_s"] == [found.turns[rows.COLD][PURE][0].found.per_s]
    assert len(kept["bars"]) == len(bars.judge(found))


def test_the_machine_is_described() -> None:
    about = description()
    assert {"processor", "cores", "memory_gib", "kernel", "python", "splitdns"} <= set(about)
    assert "accelerator" in str(about["splitdns"])


def test_the_tables_replace_those_of_the_run_before() -> None:
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    once = table.kept(page, "| new |")
    assert once == f"before\n{table.BEGIN}\n\n| new |\n\n{table.END}\nafter\n"
    assert table.kept(once, "| new |") == once


# --- The chart ---------------------------------------------------------------------------------------------


def test_the_chart_is_an_svg_in_which_nothing_lies_outside() -> None:
    root = ET.fromstring(chart(results()))
    width, height = (float(one) for one in root.attrib["viewBox"].split()[2:])
    tag = "{http://www.w3.org/2000/svg}"
    dots = root.findall(f"{tag}circle")
    assert len(dots) == 2 * 3 * 4
    assert all(0 < float(dot.attrib["cx"]) < width and 0 < float(dot.attrib["cy"]) < height for dot in dots)
    texts = root.findall(f"{tag}text")
    assert {"100", "1,000,000", "1,000", PURE, "NSD", "BIND"} <= {text.text for text in texts}
    assert all(0 < float(text.attrib["y"]) <= height for text in texts)


def test_names_at_the_ends_of_lines_do_not_cover_one_another() -> None:
    series = {f"server {number}": [1.0, 2.0 + number / 100] for number in range(6)}
    root = ET.fromstring(svg("a title", [Panel("by size", ["1", "2"], series)]))
    heights = sorted(
        float(text.attrib["y"])
        for text in root.iter("{http://www.w3.org/2000/svg}text")
        if (text.text or "").startswith("server")
    )
    assert all(later - former >= 14 for former, later in pairwise(heights))


def test_a_server_without_a_figure_has_no_point() -> None:
    panel = Panel("by size", ["1", "2"], {"a": [None, 3.0], "b": [None, None]})
    root = ET.fromstring(svg("a title", [panel]))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 1
