"""A Dockerfile as stages of instructions: the part of the language that this project's uses.

What is not known here is an error and never skipped, so that a replay cannot pass for less than a build.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

# Of https://docs.docker.com/reference/dockerfile/, what is understood here.
KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "USER"}
KNOWN |= {"WORKDIR"}


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``options`` are its ``--name=value``, ``text`` is the rest, its lines joined."""

    line: int
    name: str
    options: Mapping[str, str]
    text: str

    @property
    def argv(self) -> list[str] | None:
        """The words of the exec form, ``["a", "b"]``; None: it is the shell form."""
        return json.loads(self.text) if self.text.startswith("[") else None


@dataclass(frozen=True)
class Stage:
    """What stands under one FROM, which is not among the instructions."""

    base: str
    name: str | None
    instructions: tuple[Instruction, ...]


def read(text: str, arguments: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages of a Dockerfile; ``arguments`` are those of ``--build-arg``.

    Raises:
        ValueError: an instruction or a form that is not known here.
    """
    globals_: dict[str, str] = {}
    stages: list[tuple[str, str | None, list[Instruction]]] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            match shlex.split(expanded(instruction.text, globals_)):
                case [base]:
                    stages.append((base, None, []))
                case [base, as_, name] if as_.upper() == "AS":
                    stages.append((base, name, []))
                case _:
                    raise ValueError(f"line {instruction.line}: expected FROM IMAGE [AS NAME]")
        elif stages:
            stages[-1][2].append(instruction)
        elif instruction.name == "ARG":
            name, _, default = instruction.text.partition("=")
            globals_[name] = (arguments or {}).get(name, default)
        else:
            raise ValueError(f"line {instruction.line}: expected FROM before {instruction.name}")
    return [Stage(base, name, tuple(inner)) for base, name, inner in stages]


def _instructions(text: str) -> list[Instruction]:
    found: list[Instruction] = []
    first, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not parts):
            continue  # also within an instruction that goes on
        first = first if parts else number
        parts.append(line.strip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            found.append(_instruction(first, " ".join(parts)))
            parts = []
    if parts:
        raise ValueError(f"line {first}: it does not end")
    return found


def _instruction(line: int, text: str) -> Instruction:
    name, _, rest = text.partition(" ")
    if name.upper() not in KNOWN:
        raise ValueError(f"line {line}: {name} is not known here")
    options = {}
    while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        options[match[1]] = match[2]
        rest = rest[match.end() :]
    return Instruction(line, name.upper(), options, rest.strip())


def expanded(text: str, values: Mapping[str, str]) -> str:
    """``text`` with ``$NAME`` and ``${NAME}`` replaced; what has no value is nothing."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda name: values.get(name[1] or name[2], ""), text)


def pairs(text: str) -> dict[str, str]:
    """The ``name=value`` of ENV and LABEL.

    Raises:
        ValueError: a word without a value.
    """
    found = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"expected NAME=VALUE, found {word!r}")
        found[name] = value
    return found


@dataclass(frozen=True)
class Ignored:
    """A ``.dockerignore``: which files of a directory the build does not get to see."""

    patterns: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Ignored:
        lines = (line.strip() for line in text.splitlines())
        return cls(tuple(line for line in lines if line and not line.startswith("#")))

    def covers(self, path: PurePosixPath) -> bool:
        """Whether ``path``, relative to the directory, is left out: the last pattern that fits decides."""
        covered = False
        for pattern in self.patterns:
            kept, bare = pattern.startswith("!"), pattern.lstrip("!").strip("/")
            if any(_fits(part, bare) for part in (path, *path.parents[:-1])):
                covered = not kept
        return covered


def _fits(path: PurePosixPath, pattern: str) -> bool:
    """Go's filepath.Match, part by part, with ``**`` at the front for any directories."""
    wanted, parts = pattern.split("/"), path.parts
    if wanted[0] == "**":
        wanted, parts = wanted[1:], parts[len(parts) - len(wanted) + 1 :]
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))


def context(directory: Path) -> list[PurePosixPath]:
    """The files of ``directory`` that a build gets to see; none of a hidden directory."""
    ignored = Ignored.read((directory / ".dockerignore").read_text())
    found = []
    for top, folders, files in os.walk(directory):
        here = PurePosixPath(Path(top).relative_to(directory))
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        found += [here / file for file in sorted(files) if not ignored.covers(here / file)]
    return found
