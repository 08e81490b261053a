"""Master files of BIND as ours: with what they include, for paths are from BIND's own directory."""

from __future__ import annotations

from splitdns.check.dialects.printed import Printed
from splitdns.errors import Where
from splitdns.imports.texts import Texts

MAX_DEPTH = 8  # of files that include files


def whole(text: Printed, apex: str, texts: Texts, directory: str, depth: int = 0) -> str:
    """``text`` with its ``$INCLUDE`` lines replaced; the origin is the same after each as before."""
    lines = []
    origin = f"{apex}."
    for number, line in enumerate(text.text.splitlines(), 1):
        words = line.partition(";")[0].split()
        if not words or words[0].upper() not in ("$ORIGIN", "$INCLUDE"):
            lines.append(line)
        elif words[0].upper() == "$ORIGIN" and len(words) > 1:
            origin = _absolute(words[1], origin)
            lines.append(line)
        elif len(words) > 1 and depth < MAX_DEPTH:
            more = texts.read(_path(directory, words[1].strip('"')), Where(text.file, number, 1))
            if more is not None:
                inner = _absolute(words[2], origin) if len(words) > 2 else origin
                inside = whole(more, inner.rstrip("."), texts, directory, depth + 1)
                lines += [f"$ORIGIN {inner}", inside.rstrip("\n"), f"$ORIGIN {origin}"]
        else:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def _absolute(name: str, origin: str) -> str:
    if name == "@":
        return origin
    return name if name.endswith(".") else f"{name}.{origin}".replace("..", ".")


def _path(directory: str, path: str) -> str:
    return path if path.startswith("/") or not directory else f"{directory}/{path}"
