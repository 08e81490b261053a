"""The project's own files, as they are in a fresh clone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What .gitignore names, and what tools leave behind. A checkout need not have git.
_MADE = {"__pycache__", "build", "dist"}


def files(*suffixes: str, under: str = ".") -> list[Path]:
    """Files with one of these suffixes (all, without any) in the order of their paths."""
    return sorted(path for path in _walk(ROOT / under) if not suffixes or path.suffix in suffixes)


def pages() -> list[Path]:
    """What people read: every Markdown file."""
    return files(".md")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _walk(top: Path) -> Iterator[Path]:
    for directory, folders, found in os.walk(top):
        folders[:] = [folder for folder in folders if not _is_made(folder)]
        for file in found:
            # ``.git`` is a file in a working tree that git made beside another.
            if not file.endswith((".pyc", ".so")) and file != ".git":
                yield Path(directory, file)


def _is_made(folder: str) -> bool:
    hidden = folder.startswith(".") and folder not in {".ci", ".github"}
    return hidden or folder in _MADE or folder.endswith(".egg-info")
