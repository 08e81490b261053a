"""The bench's two C programs, built by the machine's compiler into a directory that is thrown away."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_SOURCES = {"generator": ("generator.c", "upstream.c"), "echo": ("echo.c",)}


@dataclass(frozen=True)
class Programs:
    """Where they are: what asks, and the server that does no more than it has to."""

    generator: Path
    echo: Path


def build(directory: Path) -> Programs:
    """Compile both into ``directory``.

    Raises:
        AssertionError: the compiler is not content; the text is what it says.
    """
    return Programs(*(_build(directory / name, sources) for name, sources in _SOURCES.items()))


def _build(program: Path, sources: tuple[str, ...]) -> Path:
    files = [str(_HERE / source) for source in sources]
    argv = ["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), *files]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program
