"""What is served and what is asked: one zone of N names, nine questions in ten about names that exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

APEX = "bench.test."
WARM_NAMES = 1_000  # few enough for every cache
MAX_QUESTIONS = 1_000_000
NEGATIVE_SHARE = 0.1


@dataclass(frozen=True)
class Corpus:
    """A zone file of ``names`` names, and files of questions in dnsperf's form."""

    names: int
    zone: Path
    warm: Path
    cold: tuple[Path, ...]


def write(directory: Path, names: int, rounds: int) -> Corpus:
    """Write the zone and its questions.

    ``warm`` asks for at most a thousand names again and again, ``cold`` for all of them at random: a file for
    each round, which begins where no other does, as the generator reads from the start again.
    """
    rng = Random(names)
    zone = directory / f"{APEX}zone"
    with zone.open("w") as file:
        file.write(f"$ORIGIN {APEX}\n$TTL 3600\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\n")
        file.write("ns A 192.0.2.53\n")
        file.writelines(f"{name(number)} A 192.0.2.{number % 250 + 1}\n" for number in range(names))
    warm = directory / f"warm.{names}"
    some = rng.sample(range(names), min(WARM_NAMES, names))
    warm.write_text("".join(_questions(rng, some, len(some))))
    questions = list(_questions(rng, range(names), min(MAX_QUESTIONS, 10 * names)))
    cold = tuple(directory / f"cold.{names}.{number}" for number in range(rounds))
    for number, path in enumerate(cold):
        start = number * len(questions) // rounds
        with path.open("w") as file:
            file.writelines(questions[start:])
            file.writelines(questions[:start])
    return Corpus(names, zone, warm, cold)


def name(number: int) -> str:
    return f"host{number:07}"


def _questions(rng: Random, numbers: list[int] | range, count: int) -> Iterator[str]:
    for _ in range(count):
        label = name(rng.choice(numbers))
        # A name that does not exist, once per existing one: negative answers are warm or cold alike.
        yield f"{'no-' if rng.random() < NEGATIVE_SHARE else ''}{label}.{APEX} A\n"
