"""TOML with the lines where its values stand, which its reader does not tell."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Where

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


class Toml:
    """``data`` as it is read; places by the path of a value."""

    def __init__(self, text: Printed) -> None:
        """Read.

        Raises:
            ConfigError: it is no TOML.
        """
        try:
            self.data: dict[str, Any] = tomllib.loads(text.text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            found = _PLACE.search(str(error))
            where = Where(text.file, int(found[1]), int(found[2])) if found else Where(text.file, 1, 1)
            raise ConfigError(where, f"expected TOML: {_PLACE.sub('', str(error)).strip()}") from None
        self._file = text.file
        self._lines = text.text.splitlines()
        self._keys: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, 1):
            if (match := _TABLE.match(line)) is not None:
                table = tuple(one.strip(" \t\"'") for one in match[1].split("."))
                self._keys.setdefault(table, number)
            elif (match := _KEY.match(line)) is not None:
                self._keys.setdefault((*table, match[1]), number)

    def get(self, *path: str) -> Any:
        """The value there; None where there is none."""
        found: Any = self.data
        for one in path:
            found = found.get(one) if isinstance(found, dict) else None
        return found

    def where(self, *path: str, item: str = "") -> Where:
        """The line of a key, or of an item in its list."""
        above = (path[:end] for end in range(len(path), 0, -1))
        number = next((self._keys[one] for one in above if one in self._keys), 0)
        for at in range(max(number, 1), len(self._lines) + 1) if item else ():
            if item in self._lines[at - 1]:
                return Where(self._file, at, self._lines[at - 1].index(item) + 1)
        return Where(self._file, number, 1) if number else Where(self._file)
