"""The configuration as a tree of words, in whichever form it was printed.

``set nat source rule 10 exclude`` is the path of words to a leaf, and the braces of config.boot are only a
shorter way to write many such paths. So both become the same tree, in which a value is the last word of its
path, and a node with several values has several children.

>>> tree = parse("set system host-name 'gw'", "config")
>>> tree.value("system", "host-name")
'gw'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from splitdns.errors import ConfigError, Problems, Where

MAX_LINES = 500_000  # a file that is longer is nobody's configuration, and is refused
MAX_DEPTH = 60  # words to a value; the longest of VyOS are about 15

_WORD = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s'"]+)""")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOT_A_LINE_END = re.compile(r"[^\n]")
# Of a script or a session around the commands: these change nothing in the tree.
_SESSION = frozenset({"configure", "commit", "commit-confirm", "save", "exit", "source", "end", "comment"})
_TREES = frozenset(
    {
        "container", "custom-attribute", "firewall", "high-availability", "interfaces", "load-balancing",
        "load-balance", "nat", "nat64", "nat66", "pki", "policy", "port-forward", "protocols", "qos",
        "service", "system", "traffic-control", "traffic-policy", "vpn", "vrf", "zone-policy",
    }
)  # fmt: skip


@dataclass(slots=True)
class Node:
    """A word of the configuration and what stands beneath it, in the order of the file."""

    word: str
    where: Where
    path: tuple[str, ...] = ()
    children: dict[str, Node] = field(default_factory=dict)

    def at(self, *path: str) -> Node | None:
        """The node beneath by this path, if there is one."""
        node: Node | None = self
        for word in path:
            node = node.children.get(word) if node is not None else None
        return node

    def beneath(self, *path: str) -> tuple[Node, ...]:
        """All children of the node at ``path``: its values, or its instances."""
        node = self.at(*path)
        return () if node is None else tuple(node.children.values())

    def leaf(self, *path: str) -> Node | None:
        """The value at ``path``; of several, the last that was set."""
        values = self.beneath(*path)
        return values[-1] if values else None

    def value(self, *path: str) -> str | None:
        """The word of ``leaf``."""
        leaf = self.leaf(*path)
        return None if leaf is None else leaf.word

    def words(self) -> str:
        """The node's path and all beneath it, in one line, but for what is only said to people."""
        return f"{' '.join(self.path)}: {', '.join(self._leaves(()))}".removesuffix(": ")

    def _leaves(self, before: tuple[str, ...]) -> Iterator[str]:
        for child in self.children.values():
            if child.word in ("description", "log"):
                continue
            path = (*before, child.word)
            if child.children:
                yield from child._leaves(path)
            else:
                yield " ".join(path)

    def add(self, words: Iterable[str], where: Where) -> Node:
        """Put a path beneath; a value that is set again is the last."""
        node = self
        for word in words:
            child = node.children.pop(word, None) or Node(word, where, (*node.path, word))
            node.children[word] = child
            node = child
        return node

    def rename(self, level: tuple[str, ...], words: tuple[str, ...], where: Where) -> None:
        """``rename rule 1 to rule 2`` beneath ``level``; what is not there, or would be twice, stays."""
        to = words.index("to")
        old, new = (*level, *words[:to]), (*level, *words[:to][:-2], *words[to + 1 :])
        node = self.at(*old)
        if node is not None and self.at(*new) is None:
            self.remove(old)
            self.add(new, where).adopt(node)

    def adopt(self, other: Node) -> None:
        """Put all that stands beneath ``other`` beneath here."""
        for child in other.children.values():
            self.add((child.word,), child.where).adopt(child)

    def remove(self, words: tuple[str, ...]) -> None:
        """Take a path away, if it is there, and what would be left empty above it."""
        holder = self.at(*words[:-1])
        if holder is None or holder.children.pop(words[-1], None) is None:
            return
        if not holder.children and len(words) > 1:
            self.remove(words[:-1])


def parse(text: str, file: str) -> Node:
    """The tree that ``text`` writes, as ``show configuration commands`` or as config.boot.

    Raises:
        ExceptionGroup[ConfigError]: what is neither, each with its line.
    """
    root = Node("", Where(file, 1, 1))
    problems = Problems()
    # Comments may span lines, whose numbers must stay.
    lines = _COMMENT.sub(lambda found: _NOT_A_LINE_END.sub(" ", found[0]), text).split("\n")
    if len(lines) > MAX_LINES:
        raise ExceptionGroup(file, [ConfigError(root.where, f"expected at most {MAX_LINES} lines")])
    if _is_commands(lines):
        _read_commands(lines, file, root, problems)
    else:
        _read_braces(lines, file, root, problems)
    if not problems.errors and not _TREES & set(root.children):
        expected = "expected set commands, as show configuration commands prints, or config.boot"
        problems.error(ConfigError(root.where, f"{expected}; found neither firewall, interfaces nor nat"))
    problems.raise_errors(file)
    return root


def _is_commands(lines: Iterable[str]) -> bool:
    """Whether the first word of all is one of a session's."""
    bodies = (line.split() for line in lines if not line.lstrip().startswith("#"))
    first = next((words[0] for words in bodies if words), "")
    return first in ("set", "delete", "edit", "rename", "load") or first in _SESSION


def _words(line: str, where: Where, problems: Problems) -> tuple[str, ...]:
    """The words of a line; quotes hold words with blanks, and may be empty."""
    found: list[str] = []
    at = 0
    joined = False
    while at < len(line):
        if line[at].isspace():
            at += 1
            joined = False
            continue
        match = _WORD.match(line, at)
        if match is None:
            place = Where(where.file, where.line, where.column + at)
            problems.error(ConfigError(place, f"expected the end of a quotation, found {line[at:]!r:.40}"))
            return ()
        word = match["single"] if match["single"] is not None else match["bare"]
        if word is None:
            word = re.sub(r"\\(.)", r"\1", match["double"])
        if joined:
            found[-1] += word
        else:
            found.append(word)
        at = match.end()
        joined = True
    return tuple(found)


def _read_commands(lines: Iterable[str], file: str, root: Node, problems: Problems) -> None:
    level: tuple[str, ...] = ()  # below which ``edit`` has gone
    for number, line in enumerate(lines, 1):
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        where = Where(file, number, line.index(body) + 1)
        words = _words(body, where, problems)
        if not words:
            continue
        if len(level) + len(words) > MAX_DEPTH:
            problems.error(ConfigError(where, f"expected at most {MAX_DEPTH} words to a value"))
            return
        match words[0]:
            case "set" if len(words) > 1:
                root.add((*level, *words[1:]), where)
            case "delete" if len(words) > 1:
                root.remove((*level, *words[1:]))
            case "rename" if "to" in words[2:]:
                root.rename(level, words[1:], where)
            case "edit" if len(words) > 1:
                level = (*level, *words[1:])
            case "top":
                level = ()
            case "load":
                root.add(words, where)
            case first if first not in _SESSION:
                expected = "expected commands like set … or delete …"
                problems.error(ConfigError(where, f"{expected}, found {body!r:.60}"))


def _read_braces(lines: Iterable[str], file: str, root: Node, problems: Problems) -> None:
    stack = [root]
    number = 0
    for number, line in enumerate(lines, 1):
        body = line.strip()
        if not body or body.startswith(("#", "//")):
            continue
        where = Where(file, number, line.index(body) + 1)
        if body == "}":
            if len(stack) == 1:
                problems.error(ConfigError(where, "expected no }: none is open"))
                return
            stack.pop()
            continue
        is_open = body.endswith("{")
        words = _words(body[:-1] if is_open else body, where, problems)
        if not words:
            if is_open:
                problems.error(ConfigError(where, "expected a name before {"))
                return
            continue
        if len(stack[-1].path) + len(words) > MAX_DEPTH:
            problems.error(ConfigError(where, f"expected at most {MAX_DEPTH} words to a value"))
            return
        node = stack[-1].add(words, where)
        if is_open:
            stack.append(node)
    if len(stack) > 1 and not problems.errors:
        where = Where(file, number, 1)
        left = f"{stack[-1].where.line}: {' '.join(stack[-1].path[-2:])}"
        problems.error(ConfigError(where, f"expected }} for line {left}; found the end"))
