"""Examples in Markdown: the blocks of a page, the commands in them, and whether what was printed is as shown.

A block's language says what becomes of it:

    console   every `$ command` runs, and prints what stands below it, where the samples are served. The files
              above it on its page are served too, and with a `# splitdns.yaml` among them nothing else is
    yaml      `# splitdns.yaml` or `# zones/NAME` in its first line: it loads, without a warning.
              `# in splitdns.yaml` and `# in zones/NAME`: a part; it loads within the sample of that name
    zone      a master file, `; zones/NAME` in its first line: it loads, without a warning
    any       `gateway/FILE` in its first line, or behind the language: what a gateway says of itself, for the
              commands beneath; a later one of that name takes its place
    sh        only read; but `./dev COMMAND` is a command of ./dev

In what is shown, a line `...` stands for any lines, `...` or `…` within a line for anything, and blanks count
as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w*) *([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: ``line`` is its first within the page, ``name`` what stands behind the language."""

    page: Path
    line: int
    language: str
    text: str
    name: str = ""

    @property
    def title(self) -> str:
        """Its name, or its first line without the comment sign: what the block is, or a part of."""
        return self.name or self.text.partition("\n")[0].lstrip("#; ").strip()


@dataclass(frozen=True)
class Command:
    """A command line and what the page says that it prints."""

    line: str
    shown: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        indent, language, named, inner = match.groups()
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(page, line, language, _dedent(inner, len(indent)), named))
    return found


def commands(block: Block) -> list[Command]:
    """What a console block runs; a backslash at the end of a line continues it."""
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.replace("\\\n", "").partition("\n")
        found.append(Command(line, shown))
    return found


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether ``printed`` is what the page shows; no text there means that nothing is printed."""
    pattern = ""
    for line in shown.strip().splitlines():
        if line.strip() in ("...", "…"):
            pattern += r"(?:.*\n)*"
        else:
            words = [re.escape(word) for word in line.split()]
            pattern += " ".join(words).replace(r"\.\.\.", ".*").replace("…", ".*") + r"\n"
    lines = [" ".join(line.split()) for line in printed.strip().splitlines()]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def _dedent(text: str, columns: int) -> str:
    return "".join(line[min(columns, len(line) - len(line.lstrip(" "))) :] for line in text.splitlines(True))
