"""A gateway's pf.conf, of OpenBSD or FreeBSD: rules, tables and macros, beside the network of other sources.

The two have one language of filter rules, and translate differently: a file with ``nat``, ``rdr``, ``binat``
or ``scrub`` rules is read as FreeBSD's, any other as OpenBSD's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.dialects.pf.chains import ruleset
from splitdns.check.dialects.pf.grammar import Grammar
from splitdns.check.dialects.pf.surroundings import Surroundings
from splitdns.check.dialects.pf.values import Anchor, Rule
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Network, Ruleset
from splitdns.errors import ConfigError, Problems


def read(texts: Sequence[Printed], around: Network) -> Device:
    """Read a pf.conf, the first of ``texts``; the others are files that it includes, or that hold tables.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    problems = Problems()
    grammar = Grammar(texts, problems)
    if texts:
        grammar.file(texts[0])
    written = grammar.written
    if written.first_old is not None:
        for rule in _translating(written.rules):
            found = f"expected FreeBSD's rules only, as in line {written.first_old.where.line}"
            problems.error(ConfigError(rule.origin.where, f"{found}, found {rule.origin.text!r:.80}"))
    made = Ruleset()
    if texts and not problems.errors:
        names = Surroundings(around, written.tables, written.overloaded)
        try:
            made = ruleset(written, names, texts[0].file)
        except ConfigError as error:
            problems.error(error)
    problems.raise_errors("the pf.conf is wrong")
    return Device(made)


def _translating(rules: Sequence[Rule | Anchor]) -> Iterator[Rule]:
    """Rules that translate themselves, as OpenBSD's do."""
    for one in rules:
        if isinstance(one, Anchor):
            yield from _translating(one.rules)
        elif one.rdr is not None or one.nat is not None:
            yield one
