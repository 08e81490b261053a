"""What is kept of what sources say, and when a generation is wanted. Nobody is asked, and no time passes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from splitdns.errors import Caution, Where
from splitdns.load.load import Loaded, load
from splitdns.load.machine import Machine
from splitdns.load.settings import Settings
from splitdns.load.supplies import Supplied, Supply
from splitdns.metrics import (
    SOURCE_CHANGES,
    SOURCE_FAILURES,
    SOURCE_LOST_NAMES,
    SOURCE_RECORDS,
    SOURCE_REFUSED,
    SOURCE_SEEN,
    SOURCE_UP,
    Counts,
)
from splitdns.names import from_text, wire_from_text
from splitdns.records import Type
from splitdns.sources.keeper import GAP_S, Keeper
from splitdns.sources.source import Failed, Said, Source, SourceError, Told

APEX = from_text("home.arpa.")
CONFIG = "views: {lan: {clients: [any], horizon: [inside]}}\n"


def said(*names: str, refused: int = 0) -> Said:
    records = tuple(
        Supplied(wire_from_text(f"{name}.home.arpa."), Type.A, bytes(4), 60, "inside", Where("f", 1))
        for name in names
    )
    return Said((Supply("s", APEX, records, refused=(Caution(Where("f"), "no"),) * refused),))


@dataclass(eq=False)
class Scripted:
    """A source that says ``answers`` (a text: it fails so) and then nothing more."""

    answers: tuple[Said | str, ...] = ()
    at_hand: Said | str | None = None
    name: str = "s"
    formers: list[Said | None] = field(default_factory=list)
    between: Callable[[], object] = lambda: None

    @property
    def unheard(self) -> tuple[Supply, ...]:
        return (Supply(self.name, APEX, (), awaited=frozenset({"inside"})),)

    def look(self, now_s: float) -> Said | None:
        assert now_s == 1000.0
        if isinstance(self.at_hand, str):
            raise SourceError(self.at_hand)
        return self.at_hand

    async def follow(self, former: Said | None, told: Told, failed: Failed) -> None:
        self.formers.append(former)
        for answer in self.answers:
            if isinstance(answer, str):
                failed(answer)
            else:
                told(answer)
            await asyncio.sleep(0)
            self.between()
        await asyncio.Event().wait()


class Play:
    def __init__(self, directory: Path, *sources: Source) -> None:
        self.config = directory / "splitdns.yaml"
        self.config.write_text(CONFIG)
        (directory / "zones").mkdir(exist_ok=True)
        self.sources: Sequence[Source] = sources
        self.counts = Counts()
        self.seen: list[list[str]] = []
        self.slept_s: list[float] = []
        self.keeper = Keeper(self._make, lambda: 1000.0, self._sleep)

    def _make(self, settings: Settings, base: Path) -> Sequence[Source]:
        assert base == self.config.parent
        return self.sources

    async def _sleep(self, pause_s: float) -> None:
        self.slept_s.append(pause_s)

    def load(self) -> Loaded:
        return load(
            self.config, generation=1, now_s=0.0, supplying=self.keeper.supplying, machine=Machine()
        )

    def names(self) -> list[str]:
        return [
            record.owner[1 : 1 + record.owner[0]].decode()
            for supply in self.load().supplies
            for record in supply.records
        ]

    def run(self, turns: int = 40) -> Play:
        def changed() -> None:
            self.keeper.follow(self.load())  # as the supervisor does, with the generation that it has built
            self.seen.append(self.names())

        async def play() -> None:
            async with asyncio.TaskGroup() as group:
                self.keeper.start(group, self.load(), self.config.parent, self.counts, changed)
                for _ in range(turns):
                    await asyncio.sleep(0)
                self.keeper.close()

        asyncio.run(play())
        return self


def test_each_change_is_one_generation_and_no_change_is_none(tmp_path: Path) -> None:
    play = Play(tmp_path, Scripted((said("a"), said("a"), said("a", "b"), said("b")))).run()
    assert play.seen == [["a"], ["a", "b"], ["b"]]
    assert play.slept_s == [GAP_S] * 3
    assert play.counts.value(SOURCE_CHANGES, "s") == 3
    assert play.counts.value(SOURCE_RECORDS, "s") == 1
    assert play.counts.value(SOURCE_UP, "s") == 1
    assert play.counts.value(SOURCE_SEEN, "s") == 1000.0


def test_what_is_at_hand_goes_into_the_first_generation(tmp_path: Path) -> None:
    play = Play(tmp_path, Scripted((said("a"),), at_hand=said("a")))
    assert play.names() == ["a"]
    assert play.run().seen == []


def test_a_source_that_fails_keeps_what_it_said_last__semantics_31(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "splitdns.sources")
    source = Scripted((said("a"), "gone", "gone", "odd", said("a")))
    play = Play(tmp_path, source).run()
    assert play.seen == [["a"]]
    assert play.counts.value(SOURCE_FAILURES, "s") == 3
    events = [record.message for record in caplog.records]
    assert events == ["source.changed", "source.failed", "source.failed", "source.back"]


@pytest.mark.parametrize("at_hand", ["gone", None])
def test_the_first_failure_is_told_too_and_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, at_hand: str | None
) -> None:
    caplog.set_level(logging.INFO, "splitdns.sources")
    Play(tmp_path, Scripted(("gone", said("a")), at_hand)).run()
    (failed, *others) = caplog.records
    assert (failed.message, vars(failed)["reason"], vars(failed)["kept"]) == ("source.failed", "gone", 0)
    assert [record.message for record in others] == ["source.back", "source.changed"]


def test_a_source_that_is_down_says_so(tmp_path: Path) -> None:
    play = Play(tmp_path, Scripted((said("a"), "gone"))).run()
    assert play.counts.value(SOURCE_UP, "s") == 0
    assert play.names() == ["a"]


@pytest.mark.parametrize("at_hand", ["no such file", None])
def test_a_source_that_was_never_heard_has_no_names(tmp_path: Path, at_hand: str | None) -> None:
    play = Play(tmp_path, Scripted(("gone",), at_hand)).run()
    assert play.names() == []
    assert [(supply.apex, supply.awaited) for supply in play.load().supplies] == [(APEX, {"inside"})]
    assert play.counts.value(SOURCE_UP, "s") == 0
    assert play.counts.value(SOURCE_SEEN, "s") == 0


def test_what_is_not_taken_is_counted_with_its_source(tmp_path: Path) -> None:
    records = said("a", "b").supplies[0].records
    other = Scripted((Said((Supply("t", APEX, records),)),), name="t")
    play = Play(tmp_path, Scripted((said("a", refused=2),)), other).run()
    assert play.counts.value(SOURCE_REFUSED, "s") == 2
    assert play.counts.value(SOURCE_LOST_NAMES, "t") == 1
    assert play.counts.value(SOURCE_LOST_NAMES, "s") == 0


def test_a_source_that_leaves_the_configuration_is_forgotten_and_others_go_on(tmp_path: Path) -> None:
    stays, goes = Scripted((said("a"),)), Scripted((said("b"),), name="t")
    play = Play(tmp_path, goes, stays)

    def drop() -> None:
        if play.sources == (goes, stays):
            play.sources = (stays,)
            play.keeper.follow(play.load())

    stays.between = drop
    assert play.run().names() == ["a"]
    assert len(stays.formers) == 1
    assert play.counts.value(SOURCE_UP, "t") == 0


def test_a_source_is_told_again_what_it_said_last(tmp_path: Path) -> None:
    source = Scripted((), at_hand=said("a"))
    Play(tmp_path, source).run()
    assert source.formers == [said("a")]


def test_a_generation_that_is_not_what_sources_say_is_not_current(tmp_path: Path) -> None:
    play = Play(tmp_path, Scripted((said("a"),)))
    current: list[bool] = []
    follow = play.keeper.follow

    def followed(loaded: Loaded) -> None:
        follow(loaded)
        current.append(play.keeper.is_current)

    play.keeper.follow = followed  # type: ignore[method-assign]
    play.run()
    assert current == [True, True]
