"""Rules of Traefik's routers: the host names that a rule lets through.

A rule is Go's syntax: matchers with texts, `&&`, `||`, `!` and parentheses. A name counts wherever it
stands but under a `!`: a router for Host(`a`) && PathPrefix(`/x`) is met at ``a``, whatever else it wants.
Version 3 has one text in a matcher, version 2 several, and placeholders, `{name:regexp}`, in HostRegexp.

>>> hosts_in("Host(`www.example.com`) && !Path(`/private`) || Host(`example.com`)").names
('www.example.com', 'example.com')
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from splitdns.value import value

MAX_CHARACTERS = 4096
MAX_DEPTH = 32  # of parentheses

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z]\w*)|(?P<raw>`[^`]*`)|(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<sign>&&|\|\||[!(),]))"
)
_ESCAPE = re.compile(r"\\(.)")
_PLACEHOLDER = re.compile(r"\{[A-Za-z][\w-]*(?::(?P<regexp>(?:[^{}]|\{[0-9,]+\})*))?\}")
_NAMES = ("host", "hostsni", "hostheader")  # HostHeader: version 2's other name for Host
_PATTERNS = ("hostregexp", "hostsniregexp")
_ANYBODY = "*"  # HostSNI(`*`): what is not TLS


@value(frozen=True, slots=True)
class Hosts:
    """Host names, and regular expressions of them (RE2), in the order in which they stand."""

    names: tuple[str, ...]
    patterns: tuple[str, ...]


def hosts_in(rule: str) -> Hosts:
    """The hosts of ``rule``.

    Raises:
        ValueError: it is no rule; what was expected, what was found.
    """
    if len(rule) > MAX_CHARACTERS:
        raise ValueError(f"expected a rule of at most {MAX_CHARACTERS} characters, found {len(rule)}")
    reader = _Reader(_tokens(rule))
    reader.either(negated=False, depth=0)
    reader.expect("")
    return Hosts(tuple(dict.fromkeys(reader.names)), tuple(dict.fromkeys(reader.patterns)))


def _tokens(rule: str) -> list[str]:
    found: list[str] = []
    at, end = 0, len(rule.rstrip())
    while at < end:
        match = _TOKEN.match(rule, at)
        if match is None:
            raise ValueError(f"expected a rule such as Host(`www.example.com`), found {rule[at:][:40]!r}")
        found.append(match[0].strip())
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self.names: list[str] = []
        self.patterns: list[str] = []

    def _next(self) -> str:
        """The next token; "" at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> bool:
        if self._next() not in wanted:
            return False
        self._at += 1
        return True

    def expect(self, wanted: str) -> None:
        found = self._next()
        if found != wanted:
            raise ValueError(f"expected {_shown(wanted)}, found {_shown(found)}")
        self._at += 1

    def either(self, negated: bool, depth: int) -> None:
        """Terms with `&&` and `||` between them: which of them binds makes no difference here."""
        if depth > MAX_DEPTH:
            raise ValueError(f"expected at most {MAX_DEPTH} parentheses inside each other, found more")
        self._term(negated, depth)
        while self._take("&&", "||"):
            self._term(negated, depth)

    def _term(self, negated: bool, depth: int) -> None:
        while self._take("!"):
            negated = not negated
        if self._take("("):
            self.either(negated, depth + 1)
            self.expect(")")
            return
        matcher = self._next()
        if not matcher[:1].isalpha():
            raise ValueError(f"expected a matcher such as Host, found {_shown(matcher)}")
        self._at += 1
        texts = self._texts()
        if not negated:
            self._matcher(matcher.lower(), texts)

    def _texts(self) -> list[str]:
        self.expect("(")
        found: list[str] = []
        while self._next() != ")" or found:
            text = self._next()
            if text[:1] not in ("`", '"') or not text:
                raise ValueError(f"expected a text in backquotes, found {_shown(text)}")
            self._at += 1
            found.append(text[1:-1] if text[0] == "`" else _ESCAPE.sub(r"\1", text[1:-1]))
            if not self._take(","):
                break
        self.expect(")")
        return found

    def _matcher(self, matcher: str, texts: Sequence[str]) -> None:
        if matcher in _NAMES:
            self.names += [one for one in texts if one != _ANYBODY]
        elif matcher in _PATTERNS and not any(map(_PLACEHOLDER.search, texts)):
            self.patterns += texts
        elif matcher in _PATTERNS:
            for text in texts:
                if _PLACEHOLDER.search(text):
                    self.patterns.append(_regexp(text))
                else:
                    self.names.append(text)


def _regexp(text: str) -> str:
    """What a text with version 2's placeholders stands for; all else in it means itself."""
    made, at = "", 0
    for match in _PLACEHOLDER.finditer(text):
        made += re.escape(text[at : match.start()]) + f"(?:{match['regexp'] or '[^.]+'})"
        at = match.end()
    return f"^{made}{re.escape(text[at:])}$"


def _shown(token: str) -> str:
    return repr(token) if token else "the end"
