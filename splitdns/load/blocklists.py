"""Lists of names from files, as others publish them, packed like a zone.

Four formats: hosts, plain domains, the simplest rules of ad blockers, and response policy zones. Whatever the
format, a list becomes the names of a ``Zone`` block: a name alone means the list's action, a name marked as a
cut takes the names beneath it along, and records mean what they do in a response policy zone. A list that did
not change is not read again.

Lists are written by strangers and hold what nobody understands: such lines are told, each with its place, the
first few of them; the rest of the list holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from splitdns.errors import Caution, ConfigError, Problems, Where
from splitdns.load import master
from splitdns.load.declared import DeclaredSet, FileId, file_id
from splitdns.load.sections import BlocklistSettings
from splitdns.load.settings import Settings
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, Qname, fold, from_text
from splitdns.records import RRset
from splitdns.value import value
from splitdns.view import ListAction, NameList
from splitdns.zone import Node, Zone, pack_records, packed, packed_name

MAX_WARNINGS = 20  # for each file; beyond: how many more
SNIFFED_LINES = 500  # that tell which format a file has

_HOSTS_ADDRESSES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})
# What stands in every hosts file, and is not meant.
_HOSTS_OWN = frozenset(("localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"))
_HOSTS_OWN |= frozenset(
    f"ip6-{name}"
    for name in ("localhost", "loopback", "localnet", "mcastprefix", "allnodes", "allrouters", "allhosts")
)
_COMMENT = re.compile(r"(?:^|\s)#")
_PLAIN = re.compile(r"[a-z0-9_.-]+", re.IGNORECASE)
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-f:.%]*:[0-9a-f:.%a-z]*", re.IGNORECASE)
_SOA_LINE = re.compile(r"^(\S*)[ \t].*\bSOA\b", re.MULTILINE)
_ORIGIN_LINE = re.compile(r"^\$ORIGIN[ \t]+(\S+)", re.MULTILINE)
_RULE = re.compile(r"(@@)?\|\|([^\^/$*|]+)\^(\$important)?")
# Triggers of response policy zones that look at something else than the asked name.
_OTHER_TRIGGERS = tuple(from_text(f"rpz-{kind}.")[:-1] for kind in ("ip", "nsip", "nsdname", "client-ip"))

_LABELS = {label: bytes((label,)) for label in range(MAX_LABEL_OCTETS + 1)}

Key = tuple[FileId, BlocklistSettings]


@value(frozen=True, slots=True)
class ReadList:
    """A file's lists, exceptions first, and what was wrong with it; ``key`` says whether it is still so."""

    key: Key
    lists: tuple[NameList, ...]
    names: int
    warnings: tuple[Caution, ...]


def read_all(
    settings: Settings, base: Path, former: Sequence[ReadList], problems: Problems
) -> tuple[ReadList, ...]:
    """The lists of the configuration in the directory ``base``, in its order; ``former`` are those before.

    A file that cannot be read, and a view that there is not, are mistakes in the configuration.
    """
    known = {one.key: one for one in former}
    found = []
    for at, one in enumerate(settings.blocklists):
        _check_views(settings, at, one, problems)
        path = base / one.file
        key = file_id(path), one
        if key not in known:
            try:
                text = path.read_bytes().decode("utf-8", "replace")
            except OSError as error:
                where = settings.where(("blocklists", at, "file"))
                problems.error(ConfigError(where, f"expected a list at {str(path)!r}: {error.strerror}"))
                continue
            known[key] = read(path, text, one, key)
        found.append(known[key])
    return tuple(found)


def of_view(lists: Sequence[ReadList], view: str) -> tuple[NameList, ...]:
    """The lists of a view in the order in which they are looked at: what allows comes first."""
    own = [part for one in lists if view in (one.key[1].views or (view,)) for part in one.lists]
    return tuple(sorted(own, key=lambda part: part.action is not ListAction.ALLOW))


def _check_views(settings: Settings, at: int, one: BlocklistSettings, problems: Problems) -> None:
    recursing = [name for name, view in settings.views.items() if view.recursion]
    for index, view in enumerate(one.views or ()):
        if view not in recursing:
            where = settings.where(("blocklists", at, "views", index))
            expected = f"expected one of the views with recursion: true ({', '.join(recursing) or 'none'})"
            problems.error(ConfigError(where, f"{expected}, found {view!r}"))


def read(path: Path, text: str, settings: BlocklistSettings, key: Key) -> ReadList:
    """The lists in a file's text."""
    form = settings.format if settings.format != "auto" else sniff(text)
    reader = _Reader(str(path))
    if form == "rpz":
        reader.policy_zone(path, origin(text))
    else:
        reader.lines(text, {"hosts": reader.hosts, "domains": reader.domain, "adblock": reader.rule}[form])
    label = path.stem
    lists = []
    if reader.allowed:
        lists.append(NameList(label, reader.packed(reader.allowed), ListAction.ALLOW))
    action = settings.action
    zone = reader.packed(reader.names, reader.nodes)
    lists.append(NameList(label, zone, action.kind, action.addresses, wildcards=reader.wildcards))
    names = len(reader.names) + len(reader.nodes) + len(reader.allowed)
    if not names:
        reader.told.append(Caution(Where(str(path)), f"no name in this list, read as {form}"))
    return ReadList(key, tuple(lists), names, tuple(reader.warnings()))


def sniff(text: str) -> str:
    """Which format a text has, by its first lines."""
    votes = {"hosts": 0, "domains": 0, "adblock": 0, "rpz": 0}
    for number, line in enumerate(text.splitlines()):
        if number >= SNIFFED_LINES:
            break
        words = line.split()
        if not words or words[0].startswith(("#", ";")):
            continue
        if words[0] in ("$TTL", "$ORIGIN") or "SOA" in words or "CNAME" in words:
            votes["rpz"] += 1
        elif words[0].startswith(("!", "||", "@@", "[Adblock")):
            votes["adblock"] += 1
        elif len(words) > 1 and _ADDRESS.fullmatch(words[0]):
            votes["hosts"] += 1
        else:
            votes["domains"] += 1
    for form in ("rpz", "adblock"):  # whose other lines look like anything
        if votes[form]:
            return form
    return "hosts" if votes["hosts"] > votes["domains"] else "domains"


def origin(text: str) -> Qname:
    """The name of a response policy zone, which no file name tells: where its SOA stands."""
    match = _SOA_LINE.search(text)
    start = _ORIGIN_LINE.search(text, 0, match.start() if match else len(text))
    for found in (match and match[1], start and start[1]):
        if found and found.endswith("."):
            return from_text(found)
    return ROOT


def _wire(text: str) -> Qname:
    """A name from text; most are plain, and of a million names each microsecond is a second.

    Raises:
        ValueError: it is no name.
    """
    if not _PLAIN.fullmatch(text):
        return fold(from_text(text, ROOT))
    labels = text.lower().encode().rstrip(b".").split(b".")
    try:
        wire = b"".join([_LABELS[len(label)] + label for label in labels]) + b"\0"
    except KeyError:
        raise ValueError(f"a label of more than {MAX_LABEL_OCTETS} octets") from None
    if b"" in labels or len(wire) > MAX_NAME_OCTETS:
        raise ValueError("an empty label" if b"" in labels else f"more than {MAX_NAME_OCTETS} octets")
    return Qname(wire)


class _Reader:
    """One file: ``names`` and ``allowed`` say by name whether it takes those beneath along."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.names: dict[Qname, bool] = {}
        self.allowed: dict[Qname, bool] = {}
        self.nodes: dict[Qname, Node] = {}
        self.wildcards = False
        self.told: list[Caution] = []
        self._untold = 0

    def lines(self, text: str, take: Callable[[str], None]) -> None:
        """Hand each line that says something to ``take``."""
        for number, line in enumerate(text.splitlines(), 1):
            words = _COMMENT.split(line, 1)[0].strip()
            if not words or words[0] in "!;[":
                continue
            try:
                take(words)
            except ValueError as error:
                self._warn(Where(self._file, number, len(line) - len(line.lstrip()) + 1), str(error))

    def hosts(self, line: str) -> None:
        """``0.0.0.0 name …``: the names themselves."""
        address, *names = line.split()
        if not names or not _ADDRESS.fullmatch(address):
            raise ValueError(f"expected an address and a name, found {_short(line)}")
        for name in names:
            if name.lower() in _HOSTS_OWN:
                continue
            if address not in _HOSTS_ADDRESSES:
                raise ValueError(f"expected 0.0.0.0, 127.0.0.1, :: or ::1, found {address}")
            self._add(self.names, name, beneath=False)

    def domain(self, line: str) -> None:
        """``name``: itself; ``*.name`` and ``.name``: and the names beneath it."""
        if " " in line or "\t" in line:
            raise ValueError(f"expected one name, found {_short(line)}")
        name = line.removeprefix("*").removeprefix(".")
        self._add(self.names, name, beneath=name != line)

    def rule(self, line: str) -> None:
        """``||name^``: with the names beneath it; ``@@||name^``: an exception; or a plain name."""
        if line.startswith(("||", "@@")):
            match = _RULE.fullmatch(line)
            if match is None:
                raise ValueError(f"expected ||name^ or @@||name^, found {_short(line)}")
            self._add(self.allowed if match[1] else self.names, match[2], beneath=True)
        elif _PLAIN.fullmatch(line) and "." in line:
            self._add(self.names, line, beneath=False)
        else:
            raise ValueError(f"expected ||name^ or @@||name^, found {_short(line)}")

    def _add(self, names: dict[Qname, bool], text: str, *, beneath: bool) -> None:
        try:
            qname = _wire(text)
        except ValueError as error:
            raise ValueError(f"expected a name, found {_short(text)}: {error}") from None
        if qname == ROOT:
            raise ValueError(f"expected a name, found {_short(text)}")
        names[qname] = names.get(qname, False) or beneath

    def policy_zone(self, path: Path, origin: Qname) -> None:
        """A response policy zone: what its records mean is ``answer/blocking``'s part."""
        problems = Problems()
        zone = master.read(path, origin, problems)
        for error in problems.errors:
            self._warn(error.where, error.message)
        for name, declared in zone.names.items():
            where = zone.places.where(declared.at)
            if name == origin:
                continue
            trigger = Qname(name[: len(name) - len(origin)] + b"\0")
            if trigger[:-1].endswith(_OTHER_TRIGGERS):
                self._warn(where, "expected a trigger by the asked name: rpz-ip and the like are not known")
                continue
            rrsets = tuple(_rrset(trigger, one) for one in declared.sets)
            self.nodes[trigger] = Node(trigger, trigger, rrsets)
            self.wildcards = self.wildcards or trigger.startswith(b"\1*")

    def packed(self, names: Mapping[Qname, bool], nodes: Mapping[Qname, Node] | None = None) -> Zone:
        """Names and nodes as a block, an overlay of nothing."""

        def records() -> Iterator[tuple[Qname, bytes]]:
            for name, beneath in names.items():
                yield name, packed_name(name, beneath)
            for name, node in (nodes or {}).items():
                yield name, packed(node)

        return Zone(ROOT, pack_records(records(), listed=True), overlay=True, source=self._file)

    def _warn(self, where: Where, message: str) -> None:
        if len(self.told) < MAX_WARNINGS:
            self.told.append(Caution(where, message))
        else:
            self._untold += 1

    def warnings(self) -> list[Caution]:
        more = f"{self._untold} more lines are not understood, and have no effect"
        return self.told + ([Caution(Where(self._file), more)] if self._untold else [])


def _rrset(owner: Qname, one: DeclaredSet) -> RRset:
    return RRset(owner, one.rdtype, one.ttl_s, tuple(one.rdatas))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
