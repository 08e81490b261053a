"""The C that reads hostile messages, under AddressSanitizer, led by what a fuzzer covers (libFuzzer).

    FUZZ_MINUTES=20 ./dev test-long tests/fuzz/test_compiled.py

The views and zones are those of the random queries, which are also where the fuzzer begins; for responses, it
begins with those of the unit tests. What it finds is in the directory that it prints.
"""

from __future__ import annotations

import itertools
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.edns
import pytest

from splitdns.answer.direct import Direct
from splitdns.serve.loop import Way
from splitdns.serve.parts import laid_out
from splitdns.snapshot import Snapshot
from splitdns.wire.header import HEADER_OCTETS
from tests.fuzz.ways import Queries, snapshot
from tests.meta.tree import ROOT
from tests.unit.forward.test_plain import NAME, OTHERS, PLAIN, with_options

MINUTES = float(os.environ.get("FUZZ_MINUTES", "20"))
SEEDS = 2_000
NATIVE = ROOT / "splitdns" / "native"
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


def fuzz(which: str, directory: Path, **environment: str) -> None:
    """Run the harness of that name on the C of that name, from the seeds in the directory."""
    fuzzer = directory / "fuzzer"
    sources = (ROOT / "tests" / "fuzz" / "native" / f"{which}.c", NATIVE / f"{which}.c")
    build = ["clang", "-std=c11", *SANITIZED, f"-I{NATIVE}", *map(str, sources), "-o", str(fuzzer)]
    subprocess.run(build, check=True)
    seeds = directory / "seeds"
    run = [fuzzer, f"-max_total_time={60 * MINUTES:.0f}", "-max_len=600", "-print_final_stats=1", seeds]
    done = subprocess.run(run, cwd=directory, env=environment, capture_output=True, text=True)
    print(f"{directory}\n{done.stderr[-3000:]}")
    assert done.returncode == 0


def test_no_query_makes_it_read_or_write_beyond_its_memory(tmp_path: Path) -> None:
    of = snapshot(tmp_path)
    (tmp_path / "world").write_bytes(b"".join(world(of)))
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    made = Queries(of, random.Random(1))
    for number, (wire, _) in enumerate(itertools.islice(made, SEEDS)):
        (seeds / str(number)).write_bytes(bytes((number % len(of.views),)) + wire)
    fuzz("direct", tmp_path, SPLITDNS_WORLD=str(tmp_path / "world"))


def test_no_response_makes_it_read_or_write_beyond_its_memory(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    end = HEADER_OCTETS + len(NAME) + 4
    with_cookie = with_options(PLAIN["address"], dns.edns.GenericOption(10, b"8 octets, and 16"))
    for number, wire in enumerate([*PLAIN.values(), *OTHERS.values(), with_cookie]):
        which = {1: 0, 28: 1}.get(wire[end - 3], 2)
        asked = bytes((which, number, 24, len(NAME))) + bytes(24) + NAME + bytes(range(2 + len(NAME)))
        (seeds / str(number)).write_bytes(asked + wire[:HEADER_OCTETS] + wire[end:])
    fuzz("relay", tmp_path)
