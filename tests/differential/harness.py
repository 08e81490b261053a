"""Three servers with the same worlds, and a tally of what they said to the same questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import dns.message
import dns.name

from tests.differential.ask import Asker, asking
from tests.differential.compare import Case, classify, differences, kinds, read
from tests.differential.questions import Question, question
from tests.differential.zones import World
from tests.lab import peers
from tests.lab.machine import Here
from tests.serving import World as InProcess

CONFIG = """\
listen: ["127.0.0.1:{port}"]
workers: 1
views:
  everyone: {clients: [any], horizon: [inside]}
zones: [zones/]
"""

Ask = Callable[[Question], bytes]


@dataclass
class Tally:
    """What differed: how often by class, and each mistake in full."""

    questions: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def report(self) -> str:
        lines = [f"{self.questions} questions; NSD's answers by kind:"]
        lines += [f"{count:7}  {name}" for name, count in self.kinds.most_common()]
        lines += ["known differences by class, aspect and who stands alone:"]
        lines += [f"{count:7}  {name}" for name, count in self.classes.most_common()]
        return "\n".join([*lines, f"mistakes: {len(self.mistakes)}", *self.mistakes[:3]])


@dataclass(frozen=True)
class Trio:
    """splitdns, NSD and Knot, serving the same worlds."""

    worlds: Sequence[World]
    ours: Ask
    nsd: Ask
    knot: Ask

    def ask(self, count: int, rng: Random) -> Tally:
        """Ask each world ``count`` questions."""
        tally = Tally()
        for world in self.worlds:
            apexes = frozenset(dns.name.from_text(zone.apex) for zone in world.zones)
            written = frozenset(dns.name.from_text(owner) for owner, _ in world.owners())
            for _ in range(count):
                asked = question(rng, world)
                wires = {"splitdns": self.ours(asked), "NSD": self.nsd(asked), "Knot": self.knot(asked)}
                ours, nsd, knot = (read(wire) for wire in wires.values())
                tally.questions += 1
                tally.kinds.update(kinds(nsd))
                _judge(Case(asked, ours, nsd, knot, apexes, written), wires, world, tally)
        return tally


def _judge(case: Case, wires: dict[str, bytes], world: World, tally: Tally) -> None:
    for difference in differences(case):
        known = classify(case, difference)
        if known is not None:
            tally.classes[f"{known}: {difference.aspect}, {difference.odd}"] += 1
            continue
        said = "\n".join(f"--- {who}\n{dns.message.from_wire(wire)}" for who, wire in wires.items())
        zones = "\n".join(zone.text() for zone in world.zones)
        what = f"{difference.aspect}, {difference.odd} alone"
        tally.mistakes.append(f"=== {case.question}: {what}\n{said}\n--- zones\n{zones}")


@contextmanager
def serving(worlds: Sequence[World], directory: Path, *, daemon: bool = False) -> Iterator[Trio]:
    """The three with these worlds; ours in this process, bytes to bytes, or as the real daemon."""
    files = {}
    (directory / "zones").mkdir()
    for world in worlds:
        for zone in world.zones:
            files[zone.apex] = directory / "zones" / f"{zone.apex}zone"
            files[zone.apex].write_text(zone.text())
    machine = Here(directory)
    with ExitStack() as stack:
        stack.callback(machine.stop)
        servers = [peers.nsd(machine, files), peers.knot(machine, files)]
        if daemon:
            servers.append(peers.splitdns(machine, CONFIG, tuple(files)))
        askers: list[Asker] = stack.enter_context(asking(*((s.address, s.port) for s in servers)))
        if daemon:
            ours: Ask = askers[2].ask
        else:
            inside = InProcess(directory, {}, CONFIG.replace("{port}", "0"))
            assert not inside.loaded.faults, inside.loaded.faults
            ours = _in_process(inside)
        yield Trio(worlds, ours, askers[0].ask, askers[1].ask)


def _in_process(world: InProcess) -> Ask:
    def ask(asked: Question) -> bytes:
        wire = world.ask_bytes(asked.to_wire(), tcp=asked.tcp)
        assert wire is not None, f"silence: {asked}"
        return wire

    return ask
