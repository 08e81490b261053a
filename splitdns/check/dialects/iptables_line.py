"""One rule of ``iptables-save``: which option belongs to which match, and what they say together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace

from splitdns.check.dialects.iptables_makers import maker
from splitdns.check.dialects.iptables_matches import MATCHES, NEVER, conditions_of
from splitdns.check.dialects.iptables_rates import at_rest
from splitdns.check.dialects.iptables_rule import Reading
from splitdns.check.dialects.iptables_targets import action_of, by_port
from splitdns.check.dialects.iptables_values import PROTOCOL_NUMBERS, addresses, protocols, without
from splitdns.check.dialects.iptables_words import Option, Word, only_value, options
from splitdns.check.model import (
    ICMP,
    Action,
    Addresses,
    AnyOf,
    Condition,
    Goto,
    Interfaces,
    Jump,
    Pass,
    Ports,
    Protocols,
    Rule,
    Side,
    Support,
    Unknown,
)
from splitdns.check.sets import PORTS, PROTOCOLS, all_addresses

# The options that every rule may have, by their short name.
_BASIC = {
    "-s": "-s", "--source": "-s", "--src": "-s", "-d": "-d", "--destination": "-d", "--dst": "-d",
    "-p": "-p", "--protocol": "-p", "--proto": "-p", "-i": "-i", "--in-interface": "-i",
    "-o": "-o", "--out-interface": "-o", "-f": "-f", "--fragment": "-f", "-m": "-m", "--match": "-m",
    "-j": "-j", "--jump": "-j", "-g": "-g", "--goto": "-g", "-c": "-c", "--set-counters": "-c",
    "-4": "-4", "--ipv4": "-4", "-6": "-6", "--ipv6": "-6",
}  # fmt: skip

# What iptables-save prints after a match or a target that is newer than itself, in place of its options.
_UNSUPPORTED = ("[unsupported", "revision]")


@dataclass(slots=True)
class _Group:
    """A match or a target, and its options."""

    name: Word
    options: list[Option] = field(default_factory=list)


@dataclass(slots=True)
class _Parts:
    basic: list[tuple[str, Option]] = field(default_factory=list)
    matches: list[_Group] = field(default_factory=list)
    target: _Group | None = None
    is_goto: bool = False
    protocol: str = ""
    unprinted: str = ""  # a match or target whose options are not to be had


def read_rule(
    rule: Reading, chain: str, words: Sequence[Word], chains: Container[str]
) -> tuple[Rule, ...]:
    """The rule that ``words``, after ``-A chain``, are; ``chains`` are those of its table.

    It is several where what it does depends on the port, and none where there is no such packet.

    Raises:
        ConfigError: it is none.
    """
    parts = _sorted(rule, words)
    for name, option in parts.basic:
        rule.conditions += _basic(rule, name, option)
    action = _action(rule, parts, chains)
    comment = ""
    for match in parts.matches:
        found = at_rest(rule, match.name.text, match.options, action)
        if found is None:
            found = conditions_of(rule, match.name.text, match.options)
        rule.conditions += found
        if match.name.text == "comment" and match.options and match.options[0].values:
            comment = match.options[0].values[0].text
    target = parts.target.name.text if parts.target else ""
    if made_by := maker(chain, target, comment, rule.origin.text):
        rule.origin = replace(rule.origin, made_by=made_by)
        rule.notes = [replace(note, origin=rule.origin) for note in rule.notes]
    if isinstance(action, Pass):
        _forget_the_unknown(rule)
    return tuple(_by_port(rule, action, parts.target.options if parts.target else ()))


def _by_port(rule: Reading, action: Action, settings: Sequence[Option]) -> Iterator[Rule]:
    families = frozenset({rule.line.family})
    asked = PORTS
    for one in rule.conditions:
        if isinstance(one, Ports) and one.side is Side.DESTINATION:
            asked &= one.numbers
    for part, its_action in by_port(action, asked, settings):
        more = () if part == asked else (Ports(Side.DESTINATION, part),)
        yield Rule((*rule.conditions, *more), its_action, rule.origin, families)


def _forget_the_unknown(rule: Reading) -> None:
    """Whether a rule that does nothing applies makes no difference."""
    rule.conditions = [one for one in rule.conditions if not _is_unknown(one)]
    rule.notes = [note for note in rule.notes if note.support is Support.IGNORED]


def _is_unknown(condition: Condition) -> bool:
    if isinstance(condition, AnyOf):
        return any(_is_unknown(one) for conjunction in condition.alternatives for one in conjunction)
    return isinstance(condition, Unknown)


def _sorted(rule: Reading, words: Sequence[Word]) -> _Parts:
    """The options by what they belong to: as printed, to the match or target before them."""
    parts = _Parts()
    current: _Group | None = None
    for option in options(rule.line, words):
        name = _BASIC.get(option.name)
        if name in ("-m", "-j") and tuple(word.text for word in option.values[1:]) == _UNSUPPORTED:
            option = replace(option, values=option.values[:1])
            parts.unprinted = f"{option} of a newer kernel"
            if name == "-m":
                rule.conditions.append(rule.unseen(parts.unprinted))
        if name == "-m":
            current = _Group(only_value(rule.line, option))
            parts.matches.append(current)
        elif name in ("-j", "-g"):
            if parts.target is not None:
                raise rule.line.wrong(option, "one target", option.name)
            current = parts.target = _Group(only_value(rule.line, option))
            parts.is_goto = name == "-g"
        elif name is not None:
            parts.basic.append((name, option))
            if name == "-p" and not option.negated:
                parts.protocol = only_value(rule.line, option).text.lower()
        else:
            _owner(rule, parts, current, option).options.append(option)
    return parts


def _owner(rule: Reading, parts: _Parts, current: _Group | None, option: Option) -> _Group:
    """What an option belongs to; a person may write it anywhere after that."""
    if current is not None and (
        current is parts.target or option.name in MATCHES.get(current.name.text, {option.name: None})
    ):
        return current
    for group in reversed(parts.matches):
        if option.name in MATCHES.get(group.name.text, ()):
            return group
    if option.name in MATCHES.get(parts.protocol, ()):  # -p tcp brings -m tcp along
        group = _Group(Word(parts.protocol, option.at.column))
        parts.matches.append(group)
        return group
    if current is not None:
        return current
    raise rule.line.wrong(option, "a match or a target before its option", option.name)


def _action(rule: Reading, parts: _Parts, chains: Container[str]) -> Action:
    if parts.target is None:
        rule.ignored("no target", "it only counts, or keeps what its matches remember")
        return Pass()
    name = parts.target.name
    if name.text in chains:
        return Goto(name.text) if parts.is_goto else Jump(name.text)
    if parts.unprinted.startswith("-j"):
        return rule.unseen_target(parts.unprinted)
    if parts.is_goto:
        raise rule.line.wrong(name, "a chain of this table")
    return action_of(rule, name, parts.target.options)


# --- The options that every rule may have -------------------------------------------------------------------


def _basic(rule: Reading, name: str, option: Option) -> list[Condition]:
    match name:
        case "-s" | "-d":
            return _address(rule, Side.SOURCE if name == "-s" else Side.DESTINATION, option)
        case "-p":
            return _protocol(rule, option)
        case "-i" | "-o":
            return _interface(rule, Side.SOURCE if name == "-i" else Side.DESTINATION, option)
        case "-f":  # fragments are put together before any rule sees them
            return [] if option.negated else [NEVER]
        case _:
            return []


def _address(rule: Reading, side: Side, option: Option) -> list[Condition]:
    everything = all_addresses(rule.line.family)
    found = addresses(rule.line, only_value(rule.line, option))
    if found is None:
        return [rule.unknown(f"{option.name} NAME", "the name's addresses, or its mask, are not to be had")]
    if found == everything and not option.negated:
        return []
    return [Addresses(side, without(everything, found, option.negated))]


def _protocol(rule: Reading, option: Option) -> list[Condition]:
    found = protocols(rule.line, only_value(rule.line, option))
    if found is None:
        return [rule.unknown("-p NAME", "the protocol's number is not known here")]
    if found == PROTOCOLS and not option.negated:
        return []
    if rule.line.family == 6 and found.single == ICMP and option.values[0].text == "icmp":
        found = type(found).one(PROTOCOL_NUMBERS["ipv6-icmp"])
    return [Protocols(without(PROTOCOLS, found, option.negated))]


def _interface(rule: Reading, side: Side, option: Option) -> list[Condition]:
    word = only_value(rule.line, option)
    text = word.text[:-1] + "*" if word.text.endswith("+") else word.text
    if text == "*":
        return [NEVER] if option.negated else []
    return [Interfaces(side, frozenset({text}), option.negated)]
