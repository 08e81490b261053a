"""The text of a scenario as data. The format is described in README.md beside this file."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("id", "question", "garbage", "query", "case", "cookie", "cookieless")
TRAITS = (
    "lower-case",
    "no-edns",
    "badvers",
    "notimp",
    "cookies",
    "strict-cookies",
    "loses-cookies",
    "no-tcp",
    "tcp",
)
FLAGS = ("do", "cd", "ad")
WAYS = ("nsec3", "opt-out", "iterations", "unsigned", "ed25519", "sha1")
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "BADVERS")


@dataclass
class Records:
    """An rcode and what stands in two sections, one line a record."""

    rcode: str = ""
    after_s: float | None = None
    answer: list[str] = field(default_factory=list)
    authority: list[str] = field(default_factory=list)

    def read(self, word: str, rest: str) -> bool:
        """Take one line in, if it is about records."""
        if word in _RCODES:
            self.rcode = word
            if rest:
                after, seconds = rest.split()
                assert after == "after", rest
                self.after_s = float(seconds)
        elif word == "answer":
            self.answer.append(rest)
        elif word == "authority":
            self.authority.append(rest)
        else:
            return False
        return True


@dataclass
class Reaction(Records):
    """What an upstream does once; ``before`` are kinds of datagrams that come first.

    It ``closes`` the connection instead of an answer; in a ``circle``, it asks us what it was asked.
    """

    silence: bool = False
    truncated: bool = False
    closes: bool = False
    circle: bool = False
    before: list[str] = field(default_factory=list)
    met: int = 0


@dataclass
class Ask(Records):
    """A client's question, ``at_s`` seconds after the start, and what it must get.

    Without a name it is a look from outside: only what was asked and counted until then is compared.
    """

    at_s: float = 0.0
    name: str = ""
    rdtype: str = ""
    client: str = "192.168.1.9"
    flags: tuple[str, ...] = ()
    ad: bool = False
    signatures: int | None = None
    denials: int | None = None
    edes: list[int] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    counted: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)

    @property
    def proves_something(self) -> bool:
        return bool(self.rcode if self.name else self.asked or self.counted)


@dataclass
class SignedZone:
    """A zone of the signed internet: in which ways it is signed, and lines of its master file."""

    ways: list[str]
    lines: list[str] = field(default_factory=list)


@dataclass
class Flush:
    """The cache is told to forget a name, all beneath it, or everything."""

    at_s: float
    name: str | None = None
    subtree: bool = False


@dataclass
class Scenario:
    """A whole file; ``upstreams`` maps (address, name, type) to reactions."""

    title: str
    features: list[str] = field(default_factory=list)
    routes: dict[str, list[str]] = field(default_factory=dict)
    zones: dict[str, list[str]] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
    strategy: str = "in-order"
    traits: dict[str, set[str]] = field(default_factory=dict)
    cache: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    validates: bool = False
    negative: list[str] = field(default_factory=list)
    signed: dict[str, SignedZone] = field(default_factory=dict)
    spoilt: dict[tuple[str, str], str] = field(default_factory=dict)
    resolvers: dict[str, bool] = field(default_factory=dict)  # by address, whether it shows what is spoilt
    policy: dict[str, str] = field(default_factory=dict)
    lists: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    upstreams: dict[tuple[str, str, str], list[Reaction]] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)
    flushes: list[Flush] = field(default_factory=list)


class ScenarioError(Exception):
    """The text is not a scenario, or one that proves nothing."""


def parse(text: str) -> Scenario:
    """The scenario that ``text`` describes.

    Raises:
        ScenarioError: what is wrong, with the line.
    """
    lines = text.splitlines()
    if not lines or not lines[0].startswith("# "):
        raise ScenarioError("1: the first line is a comment that says what the scenario shows")
    scenario = Scenario(lines[0][2:])
    block: Reaction | Ask | list[str] | None = None
    reactions: list[Reaction] = []
    for number, line in enumerate(lines[1:], 2):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if not line.startswith(" "):
                block = _open(scenario, words)
                if isinstance(block, Reaction):
                    reactions = scenario.upstreams[words[0], words[1], words[2]]
            elif words == ["then"]:
                block = Reaction()
                reactions.append(block)
            else:
                _fill(block, line.strip())
        except (ValueError, KeyError, IndexError, AssertionError) as error:
            raise ScenarioError(f"{number}: {line.strip()!r} is not understood: {error!r}") from None
    return scenario


def _open(scenario: Scenario, words: list[str]) -> Reaction | Ask | list[str] | None:
    match words:
        case ["feature:", *names]:
            scenario.features += names
            return None
        case ["forward", domain, *addresses]:
            scenario.routes[domain] = addresses
            return None
        case ["unreachable", address]:
            scenario.unreachable.add(address)
            return None
        case ["strategy", strategy]:
            scenario.strategy = strategy
            return None
        case ["upstream", address, *traits]:
            assert set(traits) <= set(TRAITS), f"some of {TRAITS}"
            scenario.traits[address] = set(traits)
            return None
        case ["zone", apex]:
            return scenario.zones.setdefault(apex, [])
        case ["list", name, form, action]:
            return scenario.lists.setdefault((name, form, action), [])
        case ["policy", "rebinding" | "special-names" as name]:
            scenario.policy[name] = ""
            return None
        case ["policy", "dns64" as name, value]:
            scenario.policy[name] = value
            return None
        case [at_s, "ask", name, rdtype]:
            scenario.asks.append(Ask(at_s=float(at_s), name=name, rdtype=rdtype))
            return scenario.asks[-1]
        case [at_s, "ask", name, rdtype, "with", *flags]:
            assert set(flags) <= set(FLAGS), f"some of {FLAGS}"
            scenario.asks.append(Ask(at_s=float(at_s), name=name, rdtype=rdtype, flags=tuple(flags)))
            return scenario.asks[-1]
        case ["validate"]:
            scenario.validates = True
            return None
        case ["negative", *names]:
            scenario.negative += names
            return None
        case ["signed", apex, *ways]:
            assert set(ways) <= set(WAYS), f"some of {WAYS}"
            scenario.signed[apex] = SignedZone(ways)
            return scenario.signed[apex].lines
        case ["spoilt", owner, rdtype, kind]:
            scenario.spoilt[owner, rdtype] = kind
            return None
        case ["resolver" | "liar" as kind, address]:
            scenario.resolvers[address] = kind == "liar"
            return None
        case [at_s, "ask", name, rdtype, "from", client]:
            scenario.asks.append(Ask(at_s=float(at_s), name=name, rdtype=rdtype, client=client))
            return scenario.asks[-1]
        case ["cache", bound, value]:
            scenario.cache[bound] = int(value)
            return None
        case ["limit", kind, value]:
            scenario.limits[kind] = int(value)
            return None
        case [at_s, "flush"]:
            scenario.flushes.append(Flush(float(at_s)))
            return None
        case [at_s, "flush", name]:
            scenario.flushes.append(Flush(float(at_s), name))
            return None
        case [at_s, "flush", name, "suffix"]:
            scenario.flushes.append(Flush(float(at_s), name, subtree=True))
            return None
        case [at_s, "look"]:
            scenario.asks.append(Ask(at_s=float(at_s)))
            return scenario.asks[-1]
        case [address, name, rdtype]:
            reaction = Reaction()
            assert (address, name, rdtype) not in scenario.upstreams, "said twice"
            scenario.upstreams[address, name, rdtype] = [reaction]
            return reaction
    raise ValueError("expected feature:, forward, unreachable, zone, an upstream's question, or a client's")


def _fill(block: Reaction | Ask | list[str] | None, line: str) -> None:
    word, _, rest = line.partition(" ")
    match block, word:
        case list(), _:
            block.append(line)
        case Reaction() | Ask(), _ if block.read(word, rest):
            pass
        case Reaction(), "silence" | "truncated" | "closes" | "circle" if not rest:
            setattr(block, word, True)
        case Reaction(), "before":
            kind, _, times = rest.partition(" ")
            assert kind in KINDS, f"one of {KINDS}"
            block.before += [kind] * int(times or 1)
        case Ask(), "ad" if not rest:
            block.ad = True
        case Ask(), "signatures" | "denials":
            setattr(block, word, int(rest))
        case Ask(), "ede":
            block.edes.append(int(rest))
        case Ask(), "asked":
            whom, _, count = rest.rpartition(" ")
            block.asked.append((whom, int(count)))
        case Ask(), "counted":
            metric, *labels, value = rest.split()
            block.counted.append((metric, tuple(labels), int(value)))
        case _:
            raise ValueError("not known here")


def lint(scenario: Scenario) -> None:
    """Raises:
    ScenarioError: the scenario, after it was played, has proved nothing, or holds what nobody met.
    """
    if not scenario.features:
        raise ScenarioError("no feature is named: which one is it that makes this happen?")
    if not any(ask.name for ask in scenario.asks):
        raise ScenarioError("nobody asks anything")
    for ask in scenario.asks:
        if not ask.proves_something:
            raise ScenarioError(f"{ask.name} {ask.rdtype} is asked, and nothing expected")
    for key, reactions in scenario.upstreams.items():
        for number, reaction in enumerate(reactions, 1):
            if not reaction.met:
                raise ScenarioError(f"reaction {number} of {' '.join(key)} was never met")
