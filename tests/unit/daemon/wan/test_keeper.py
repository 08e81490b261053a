"""What is kept of a source's answers, for how long, and who is told. Nobody is asked, and no time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from splitdns.daemon.wan.answer import Address, WanError
from splitdns.daemon.wan.keeper import Keeper
from splitdns.daemon.wan.state import read
from splitdns.load.load import Loaded, load
from splitdns.load.wansources import Source
from splitdns.metrics import WAN_ADDRESS, WAN_CHANGES, WAN_FAILURES, WAN_REFUSALS, WAN_SEEN, Counts

CONFIG = """\
listen: ["127.0.0.1:0"]
views: {{lan: {{clients: [any], horizon: [inside, outside]}}}}
control: control.sock
wan: {{ipv4: {source}, max_age: 1h}}
"""
ASKED = "{pcp: gateway, every: 60s}"
ONE, OTHER, PRIVATE = "203.0.113.7", "203.0.113.9", "10.1.2.3"


class Play:
    """A keeper whose source gives ``answers`` one after the other (a text that is no address: a failure)."""

    def __init__(self, directory: Path, answers: Sequence[str], source: str = ASKED) -> None:
        self.config = directory / "splitdns.yaml"
        self.config.write_text(CONFIG.format(source=source))
        (directory / "zones").mkdir(exist_ok=True)
        self.answers = list(answers)
        self.now_s = 1_000_000.0
        self.counts = Counts()
        self.changes = 0
        self.pauses_s: list[float] = []
        self.passing_s = 0.0
        self.seen: list[str] = []
        self.keeper = Keeper(self.config, lambda: self.now_s, self._ask, self._rest)
        self._done = asyncio.Event()

    def load(self) -> Loaded:
        return load(self.config, generation=1, now_s=0.0, known=self.keeper.known)

    def run(self, between: Callable[[], None] = lambda: None) -> Play:
        """Until there are no more answers; ``between`` is called after each."""
        self._between = between

        async def play() -> None:
            async with asyncio.TaskGroup() as group:
                self.keeper.start(group, self.load(), self.counts, self._changed, lambda: None)
                await self._done.wait()
                self.keeper.close()

        asyncio.run(play())
        return self

    def follow(self) -> None:
        self.keeper.follow(self.load())

    def value(self) -> str:
        """What a generation would be told now."""
        found = self.load().wan[4]
        return str(found.address) if found.address else found.reason

    def _changed(self) -> None:
        self.changes += 1
        self.follow()  # as the supervisor does, with the generation that it had built

    async def _ask(
        self, source: Source, family: int, base: Path, nonce: bytes, in_child: Callable[[], None]
    ) -> Address:
        answer = self.answers.pop(0)
        try:
            return ip_address(answer)
        except ValueError:
            raise WanError(answer) from None

    async def _rest(self, hint: asyncio.Event, pause_s: float) -> None:
        self.seen.append(self.value())
        self.pauses_s.append(pause_s)
        self._between()
        self.now_s += self.passing_s
        if not self.answers:
            self._done.set()
            await asyncio.Event().wait()


def test_a_source_that_has_not_answered_yet_has_no_value__semantics_12(tmp_path: Path) -> None:
    play = Play(tmp_path, [ONE])

    assert play.value() == "pcp gateway has not answered yet"
    assert play.run().seen == [ONE]
    assert play.changes == 1


def test_a_change_is_one_generation_and_no_change_is_none__semantics_12(tmp_path: Path) -> None:
    play = Play(tmp_path, [ONE, ONE, OTHER, OTHER]).run()

    assert play.seen == [ONE, ONE, OTHER, OTHER]
    assert play.changes == 2
    assert play.counts.value(WAN_CHANGES, "4") == 2
    assert play.counts.value(WAN_ADDRESS, "4", OTHER, "pcp gateway") == 1
    assert play.counts.value(WAN_ADDRESS, "4", ONE, "pcp gateway") == 0
    assert play.counts.value(WAN_SEEN, "4") == play.now_s
    assert set(play.pauses_s) == {60}


def test_the_last_good_value_stays_for_its_age_and_no_longer__semantics_12(tmp_path: Path) -> None:
    play = Play(tmp_path, [ONE, "down", "down", "down", ONE])
    play.passing_s = 1800.0

    assert play.run().seen == [ONE, ONE, ONE, "down", ONE]
    assert play.changes == 3  # there, gone, there again
    assert play.counts.value(WAN_FAILURES, "4") == 3
    assert play.counts.value(WAN_CHANGES, "4") == 1


def test_a_refused_address_takes_the_value_away_at_once__semantics_12(tmp_path: Path) -> None:
    play = Play(tmp_path, [ONE, PRIVATE, PRIVATE, ONE]).run()

    reason = "10.1.2.3: it is private (RFC 1918), and cannot be reached from the internet"
    assert play.seen == [ONE, reason, reason, ONE]
    assert play.counts.value(WAN_REFUSALS, "4") == 1  # said once
    assert play.changes == 3


def test_failures_are_asked_again_soon_and_then_less_often(tmp_path: Path) -> None:
    play = Play(tmp_path, ["down"] * 8 + [ONE]).run()

    assert play.pauses_s == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_reason_is_logged_when_it_comes_and_not_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "splitdns.wan"):
        Play(tmp_path, [ONE, "down", "down", "dark", ONE, PRIVATE, PRIVATE]).run()

    said = [one.message for one in caplog.records]
    assert said == ["wan.changed", "wan.failed", "wan.failed", "wan.back", "wan.refused"]


def test_what_is_written_needs_nobody_to_be_asked(tmp_path: Path) -> None:
    play = Play(tmp_path, [], source=ONE)

    async def start() -> None:
        async with asyncio.TaskGroup() as group:
            play.keeper.start(group, play.load(), play.counts, play._changed, lambda: None)

    asyncio.run(start())

    assert play.changes == 0
    assert play.counts.value(WAN_ADDRESS, "4", ONE, f"static {ONE}") == 1
    assert play.counts.value(WAN_SEEN, "4") == 0
    assert not (tmp_path / "wan.json").exists()


def test_another_source_stands_in_until_it_has_answered_itself(tmp_path: Path) -> None:
    """A configuration that is edited while it serves takes nothing away."""
    play = Play(tmp_path, [ONE], source=ONE)
    edits = iter([ASKED])

    async def edit() -> None:
        async with asyncio.TaskGroup() as group:
            play._between = lambda: None
            play.keeper.start(group, play.load(), play.counts, play._changed, lambda: None)
            play.config.write_text(CONFIG.format(source=next(edits)))
            assert play.value() == ONE
            play.follow()
            await play._done.wait()
            play.keeper.close()

    asyncio.run(edit())

    assert play.seen == [ONE]
    assert play.changes == 0


def test_a_file_is_looked_at_before_the_first_answer(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text(ONE)
    play = Play(tmp_path, [OTHER], source="{file: wan}")

    assert play.value() == ONE
    assert play.run().seen == [OTHER]


def test_commands_are_left_what_was_learnt_and_so_is_the_next_start(tmp_path: Path) -> None:
    play = Play(tmp_path, [ONE, "down"]).run()

    learnt = read(tmp_path / "wan.json")[4]
    assert (str(learnt.value.address), learnt.source, learnt.seen_s) == (ONE, "pcp gateway", play.now_s)
    assert Play(tmp_path, []).value() == ONE
    late = Play(tmp_path, [])
    late.now_s += 3601
    assert late.value() == "pcp gateway has not answered yet"


def test_an_address_that_another_generation_has_by_then_is_mended(tmp_path: Path) -> None:
    """Between the look of who builds a generation and its start, the address may be another again."""
    play = Play(tmp_path, [ONE]).run()
    stale = load(play.config, generation=2, now_s=0.0)  # which knows nothing

    play.keeper.follow(stale)

    assert play.changes == 2


def test_what_another_source_had_said_is_not_believed_at_a_start(tmp_path: Path) -> None:
    Play(tmp_path, [ONE]).run()

    assert Play(tmp_path, [], source="{pcp: 192.168.1.1}").value() == "pcp 192.168.1.1 has not answered yet"


def test_what_goes_while_the_first_generation_is_built_stays_for_its_age(tmp_path: Path) -> None:
    (tmp_path / "wan").write_text(ONE)
    play = Play(tmp_path, ["gone"], source="{file: wan}")
    built = play.load()
    (tmp_path / "wan").unlink()

    async def start() -> None:
        async with asyncio.TaskGroup() as group:
            play.keeper.start(group, built, play.counts, play._changed, lambda: None)
            await play._done.wait()
            play.keeper.close()

    play._between = lambda: None
    asyncio.run(start())

    assert play.seen == [ONE]
    assert play.changes == 0


def test_a_source_that_fails_for_weeks_is_still_asked(tmp_path: Path) -> None:
    play = Play(tmp_path, ["down"] * 1100 + [ONE]).run()

    assert play.seen[-1] == ONE
    assert max(play.pauses_s) == 60
