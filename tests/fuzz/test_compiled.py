"""The C that reads hostile queries, under AddressSanitizer, led by what a fuzzer covers (libFuzzer).

    FUZZ_MINUTES=20 ./dev test-long tests/fuzz/test_compiled.py

The views and zones are those of the random queries, which are also where the fuzzer begins. What it finds is
in the directory that it prints.
"""

from __future__ import annotations

import itertools
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitdns.answer.direct import Direct
from splitdns.serve.loop import Way
from splitdns.serve.parts import laid_out
from splitdns.snapshot import Snapshot
from tests.fuzz.ways import Queries, snapshot
from tests.meta.tree import ROOT

MINUTES = float(os.environ.get("FUZZ_MINUTES", "20"))
SEEDS = 2_000
NATIVE = ROOT / "splitdns" / "native"
SOURCES = (ROOT / "tests" / "fuzz" / "native" / "direct.c", NATIVE / "direct.c")
SANITIZED = ("-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")

pytestmark = [
    pytest.mark.long,
    pytest.mark.needs("clang"),
    pytest.mark.timeout(int(60 * MINUTES) + 600),
]


def numbers(*values: int) -> bytes:
    return struct.pack(f"={len(values)}I", *values)


def world(of: Snapshot) -> Iterator[bytes]:
    """The views of a snapshot, as ``native/direct.c`` reads them."""
    yield numbers(len(of.views))
    for view in of.views:
        direct = Direct(view, of.manners)
        recursion, outside, payload_octets, types, inside, hidden, names, grounds = laid_out(
            direct, lambda _: Way(1)
        )
        yield numbers(recursion, outside, payload_octets) + types + numbers(len(inside))
        for octets, bits, at in inside:
            yield numbers(len(octets), bits, at) + octets
        yield numbers(len(hidden)) + b"".join(hidden) + numbers(len(names))
        for name, ground in zip(names, grounds, strict=True):
            yield numbers(len(name)) + name + numbers(ground is not None)
            if ground is not None:
                block, apex_octets, closed, *_ = ground
                yield numbers(apex_octets, closed, len(block)) + bytes(block)


def test_no_query_makes_it_read_or_write_beyond_its_memory(tmp_path: Path) -> None:
    of = snapshot(tmp_path)
    (tmp_path / "world").write_bytes(b"".join(world(of)))
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    made = Queries(of, random.Random(1))
    for number, (wire, _) in enumerate(itertools.islice(made, SEEDS)):
        (seeds / str(number)).write_bytes(bytes((number % len(of.views),)) + wire)

    fuzzer = tmp_path / "fuzzer"
    build = ["clang", "-std=c11", *SANITIZED, f"-I{NATIVE}", *map(str, SOURCES), "-o", str(fuzzer)]
    subprocess.run(build, check=True)
    run = [fuzzer, f"-max_total_time={60 * MINUTES:.0f}", "-max_len=600", "-print_final_stats=1", seeds]
    done = subprocess.run(
        run, cwd=tmp_path, env={"SPLITDNS_WORLD": str(tmp_path / "world")}, capture_output=True, text=True
    )

    print(f"{tmp_path}\n{done.stderr[-3000:]}")
    assert done.returncode == 0
