"""Values in a YAML zone: texts, lists, horizons, and what is said beside them.

The value of a record type is a text, a list of texts, or a mapping from horizons to these. ``value``,
``ttl`` and ``public`` may stand in such a mapping, and inside each of its horizons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ParamSpec, TypeVar

from splitdns.errors import Problems, Where, ZoneError
from splitdns.load import hints, marked, presentation
from splitdns.load.configvalues import shown
from splitdns.load.declared import DEFAULT_TTL_S, DeclaredSet, place
from splitdns.records import ADDRESS_TYPES, Type, type_to_text
from splitdns.value import value

MAX_TEXT_OCTETS = 255  # a character-string of a TXT record (RFC 1035 3.3.14); longer texts are split

_VALUE_KEYS = ("value", "ttl", "public")
_WAN = {"$wan4": Type.A, "$wan6": Type.AAAA}
_AUTO_HINT = re.compile(r"\bipv([46])hint=\"?auto\"?(?=\s|$)")

Path = marked.Path
P = ParamSpec("P")
T = TypeVar("T")


@value(frozen=True, slots=True)
class Surroundings:
    """What a zone may refer to.

    ``wan`` maps ``$wan4`` and ``$wan6`` to a packed address, or to None where its source has no value yet;
    without a source the key is missing. ``views`` are all views' names.
    """

    wan: Mapping[str, bytes | None]
    views: tuple[str, ...]


class ValueReader:
    """Reads values out of ``document``; names are relative to ``origin``, mistakes go to ``problems``."""

    def __init__(
        self, document: marked.Document, origin: bytes, problems: Problems, surroundings: Surroundings
    ) -> None:
        self.document = document
        self.origin = origin
        self.problems = problems
        self.surroundings = surroundings
        self.variants: set[str] = set()
        self.ttl_s = DEFAULT_TTL_S
        self.uses_wan = False

    def error(self, path: Path, message: str) -> None:
        self.problems.error(ZoneError(self.document.where(path), message))

    def key_error(self, path: Path, message: str) -> None:
        self.problems.error(ZoneError(self.document.where_key(path), message))

    def place(self, path: Path) -> int:
        return placed(self.document.where(path))

    def unknown_key(self, path: Path, known: Iterable[str], what: str) -> None:
        key, keys = str(path[-1]), tuple(known)
        near = get_close_matches(key, keys, 1) or get_close_matches(key.upper(), keys, 1)
        meant = f"; is {near[0]!r} meant?" if near else ""
        self.key_error(path, f"{key!r} is not a key of {what}; known: {', '.join(keys)}{meant}")

    def tried(self, path: Path, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What ``read`` returns; None where it raises ``ValueError``, which is then a mistake at ``path``."""
        try:
            return read(*args, **kwargs)
        except ValueError as error:
            self.error(path, str(error))
            return None

    def ttl(self, path: Path, value: Any, default: int) -> int:
        if value is None:
            return default
        found = self.tried(path, _ttl, value)
        return default if found is None else found

    def flag(self, path: Path, value: Any) -> bool:
        if not isinstance(value, bool):
            self.error(path, f"expected true or false, found {shown(value)}")
        return value is True

    def sets(
        self, path: Path, rdtype: int, value: Any, ttl_s: int | None, public: bool
    ) -> list[DeclaredSet]:
        """The record sets of one type: one for all views, or one for each horizon."""
        if not isinstance(value, dict):
            made = self.one_set(path, rdtype, value, ttl_s, public, None)
            return [made] if made else []
        if "ttl" in value:
            ttl_s = self.ttl((*path, "ttl"), value["ttl"], self.ttl_s)
        if "public" in value:
            public = self.flag((*path, "public"), value["public"])
        found = []
        if "value" in value:
            found.append(self.one_set((*path, "value"), rdtype, value["value"], ttl_s, public, None))
        for horizon, variant in value.items():
            if horizon in _VALUE_KEYS:
                continue
            self.variants.add(horizon)
            found.append(self.variant((*path, horizon), rdtype, variant, ttl_s, public, horizon))
        if not found:
            self.error(path, f"expected a value of {type_to_text(rdtype)}, found none")
        return [made for made in found if made]

    def variant(
        self, path: Path, rdtype: int, value: Any, ttl_s: int | None, public: bool, horizon: str
    ) -> DeclaredSet | None:
        if not isinstance(value, dict):
            return self.one_set(path, rdtype, value, ttl_s, public, horizon)
        strange = [key for key in value if key not in _VALUE_KEYS]
        for key in strange:
            self.unknown_key((*path, key), _VALUE_KEYS, "a value")
        if strange:
            return None
        if "ttl" in value:
            ttl_s = self.ttl((*path, "ttl"), value["ttl"], self.ttl_s)
        if "public" in value:
            public = self.flag((*path, "public"), value["public"])
        return self.one_set((*path, "value"), rdtype, value.get("value"), ttl_s, public, horizon)

    def one_set(
        self, path: Path, rdtype: int, value: Any, ttl_s: int | None, public: bool, horizon: str | None
    ) -> DeclaredSet | None:
        """One record set from a text or a list of texts; None where it has a mistake."""
        rdatas: list[bytes] = []
        auto: set[int] = set()
        known, mistakes = True, len(self.problems.errors)
        for item_path, item in items(path, value):
            text = self.tried(item_path, text_of, item)
            if text is None:
                continue
            if rdtype in ADDRESS_TYPES and text.startswith("$"):
                address = self.tried(item_path, self.wan, text, rdtype)
                if address is None:
                    known = False
                else:
                    rdatas.append(address)
                continue
            rdata = self.rdata(item_path, rdtype, text, auto)
            if rdata is not None and rdata not in rdatas:
                rdatas.append(rdata)
        if len(self.problems.errors) > mistakes:
            return None
        own_ttl = ttl_s is not None
        made_ttl_s = self.ttl_s if ttl_s is None else ttl_s
        found = tuple(rdatas) if known else ()
        return DeclaredSet(rdtype, found, made_ttl_s, own_ttl, self.place(path), horizon, public, tuple(auto))

    def wan(self, text: str, rdtype: int) -> bytes | None:
        """The address behind ``$wan4`` or ``$wan6``; None where it is not known yet."""
        self.uses_wan = True
        if _WAN.get(text) != rdtype:
            wanted = "$wan4" if rdtype == Type.A else "$wan6"
            raise ValueError(f"expected an address or {wanted}, found {text!r}")
        if text not in self.surroundings.wan:
            raise ValueError(f"expected a source for {text} under `wan:` in the configuration, found none")
        return self.surroundings.wan[text]

    def rdata(self, path: Path, rdtype: int, text: str, auto: set[int]) -> bytes | None:
        if rdtype in (Type.TXT, Type.SPF) and not text.lstrip().startswith('"'):
            return self.tried(path, _texts, text)
        if rdtype in (Type.HTTPS, Type.SVCB):

            def placeholder(match: re.Match[str]) -> str:
                key = int(match[1])
                auto.add(key)
                return f"ipv{key}hint={hints.PLACEHOLDERS[key]}"

            text = _AUTO_HINT.sub(placeholder, text)
        try:
            return presentation.rdata_from_text(rdtype, text, self.origin, self.document.where(path))
        except ZoneError as error:
            self.problems.error(error)
            return None


def placed(where: Where) -> int:
    return place(0, where.line, where.column)


def items(path: Path, value: Any) -> Iterable[tuple[Path, Any]]:
    """The items of a list with their paths; a single value is a list of one."""
    if isinstance(value, list) and value:
        return [((*path, at), item) for at, item in enumerate(value)]
    return [(path, value)]


def text_of(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"expected a text, found {'nothing' if value in (None, '', []) else shown(value)}")
    return str(value)


def _ttl(value: Any) -> int:
    return presentation.ttl_from_text(text_of(value))


def _texts(text: str) -> bytes:
    """A text as character-strings of 255 octets at most (RFC 1035 3.3, RFC 7208 3.3)."""
    octets = text.encode()
    parts = [octets[at : at + MAX_TEXT_OCTETS] for at in range(0, len(octets), MAX_TEXT_OCTETS)]
    found = b"".join(bytes([len(part)]) + part for part in parts)
    if len(found) > 0xFFFF:
        raise ValueError(f"expected a text of at most 65,279 octets, found {len(octets):,}")
    return found
