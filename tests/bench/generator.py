"""The load generator (``generator.c``): one run of it, and what it found."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORTS = 32
_GRACE_S = 30.0  # beside the seconds that it asks


@dataclass(frozen=True)
class Clients:
    """So many clients, from an address on, and the file of questions that they ask in turn."""

    first: str
    count: int
    questions: Path

    def __str__(self) -> str:
        return f"{self.first}+{self.count}={self.questions}"


@dataclass(frozen=True)
class Latency:
    """How long answers took, in microseconds."""

    p50: float
    p99: float
    p999: float


@dataclass(frozen=True)
class Found:
    """What came back: ``answers`` are right, ``wrong`` are not, and ``why`` says how many in what respect.

    ``lost`` had no answer in time; ``reopened`` are connections that the server closed. ``sample`` is the
    first wrong answer, and its query, in hex.
    """

    asked: int
    answers: int
    per_s: float
    lost: int
    reopened: int
    wrong: int
    why: Mapping[str, int]
    sample: Mapping[str, str] | None
    latency: Latency | None
    behind_us: float  # how late at most the generator itself was, at an even pace


class Generator:
    """How it is started: the program, and what pins it to its core."""

    def __init__(self, program: Path, pinned: Sequence[str] = ()) -> None:
        self._argv = [*pinned, str(program)]

    def ask(self, port: int, clients: Sequence[Clients], *options: str, seconds: float = 1.0) -> Found:
        """Ask the server at this port of 127.0.0.1; for the options see the source.

        Raises:
            AssertionError: it failed; the text is what it says.
        """
        asking = ("--seconds", f"{seconds:g}", *options, "127.0.0.1", str(port), *map(str, clients))
        argv = [*self._argv, *asking]
        timeout_s = seconds + _GRACE_S
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout_s, start_new_session=True
        )
        assert done.returncode == 0, done.stderr
        return _found(json.loads(done.stdout))


def _found(printed: Mapping[str, Any]) -> Found:
    took = printed.get("latency_us")
    return Found(
        asked=printed["asked"],
        answers=printed["answers"],
        per_s=printed["per_s"],
        lost=printed["lost"] + printed["unsent"],
        reopened=printed["reopened"],
        wrong=printed["wrong"],
        why=printed["why"],
        sample=printed.get("sample"),
        latency=Latency(took["p50"], took["p99"], took["p999"]) if took else None,
        behind_us=printed["behind_us"],
    )
