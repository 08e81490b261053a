"""The exposure check as a service: at the start, when something changed, and every few minutes.

It runs in a child of low priority, which reads the files that a privileged helper has written and judges the
generation that answers. The server itself has no right to read rules, and runs no command (semantics 23).
What comes back is small: findings for the log, and numbers for the metrics.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from splitdns.daemon.build import NICE
from splitdns.daemon.channel import memory_file
from splitdns.daemon.process import ended, ending, fork, kill
from splitdns.load.load import Loaded
from splitdns.metrics import (
    EXPOSURE_CONSISTENT,
    EXPOSURE_FINDINGS,
    EXPOSURE_RULES,
    EXPOSURE_RUN,
    EXPOSURE_SUCCESSFUL,
    Counts,
)

log = logging.getLogger("splitdns.exposure")

EVERY_S = 300.0  # between two runs where nothing changed: the age of the rules has to be seen
MAX_SUBJECTS = 200  # that have series of their own, the worst; what is beyond is counted without its subject
RUN_S = 120.0  # that one run may take; beyond: it is killed, and counts as failed

_LEVELS = {
    "critical": logging.ERROR,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.DEBUG,
}


class Inspector:
    """Runs the check, again and again; ``in_child`` closes what is only the supervisor's."""

    def __init__(self, config: Path | None, counts: Counts, in_child: Callable[[], None]) -> None:
        self._base = config.parent if config is not None else Path()
        self._counts = counts
        self._in_child = in_child
        self._known: dict[str, dict[str, str]] = {}  # findings that were told, by what makes them one

    async def inspect_again(
        self, loaded: Callable[[], Loaded], wanted: asyncio.Event, every_s: float = EVERY_S
    ) -> None:
        """Inspect what ``loaded`` gives, now, whenever ``wanted`` is set, and after ``every_s``."""
        while True:
            wanted.clear()
            await self.inspect(loaded())
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await wanted.wait()

    async def inspect(self, loaded: Loaded) -> None:
        """One run, its log and its numbers; nothing where the configuration has no gateway."""
        gateway = loaded.settings.gateway
        if gateway is None or not gateway.sources:
            self._forget()
            self._known = {}
            return
        said = await self._said(loaded)
        self._forget()
        self._counts.set(EXPOSURE_RUN, time.time())
        self._counts.set(EXPOSURE_SUCCESSFUL, "error" not in said)
        if "error" in said:
            log.error("exposure.failed", extra={"reason": said["error"]})
            return
        self._count(said)
        self._tell(said)

    async def _said(self, loaded: Loaded) -> dict[str, Any]:
        """What the child says, or that it could not."""
        memory = memory_file()
        try:
            process = fork(lambda: self._be_child(memory, loaded))
            try:
                async with asyncio.timeout(RUN_S):
                    status = await ended(process)
            except (TimeoutError, asyncio.CancelledError) as error:
                kill(process)
                os.waitpid(process, 0)  # noqa: ASYNC222 (at once)
                if isinstance(error, asyncio.CancelledError):
                    raise
                return {"error": f"the check took more than {RUN_S:.0f} s"}
            if status:
                return {"error": f"the process that checks ended with {ending(status)}"}
            with open(os.dup(memory), "rb") as file:  # noqa: ASYNC230 (memory)
                file.seek(0)
                said: dict[str, Any] = json.load(file)
            return said
        except OSError as error:
            return {"error": str(error)}
        finally:
            os.close(memory)

    def _be_child(self, memory: int, loaded: Loaded) -> None:
        self._in_child()
        os.nice(NICE)
        said = inspection(loaded, self._base)
        with open(memory, "w", closefd=False) as file:
            json.dump(said, file)

    def _forget(self) -> None:
        """Drop the numbers of the last run, once there are others: until then they are the best there are."""
        for metric in (EXPOSURE_FINDINGS, EXPOSURE_CONSISTENT, EXPOSURE_RULES):
            self._counts.forget(metric)

    def _count(self, said: dict[str, Any]) -> None:
        for severity, code, subject, number in said["counts"]:
            self._counts.set(EXPOSURE_FINDINGS, number, severity, code, subject)
        for service, consistent in said["consistent"].items():
            self._counts.set(EXPOSURE_CONSISTENT, consistent, service)
        if said["rules_s"] is not None:
            self._counts.set(EXPOSURE_RULES, said["rules_s"])

    def _tell(self, said: dict[str, Any]) -> None:
        """Findings when they come and when they go, not with every run."""
        found = {" ".join((one["code"], one["subject"], one["reason"])): one for one in said["findings"]}
        for key, one in found.items():
            if key not in self._known:
                fields = {name: value for name, value in one.items() if value and name != "severity"}
                log.log(_LEVELS[one["severity"]], "exposure.found", extra=fields)
        for key, one in self._known.items():
            if key not in found:
                log.info("exposure.gone", extra={"code": one["code"], "subject": one["subject"]})
        self._known = found
        log.info("exposure.checked", extra={"findings": len(found), "services": len(said["consistent"])})


def inspection(loaded: Loaded, base: Path) -> dict[str, Any]:
    """The check's outcome as values of JSON: findings, counts, whether each service is consistent."""
    from splitdns.check.check import check
    from splitdns.check.gather import read_gateway

    settings = loaded.settings.gateway
    assert settings is not None
    try:
        checked = check(read_gateway(loaded.settings, base, commands=False), settings, loaded)
    except ExceptionGroup as group:
        return {"error": "; ".join(map(str, group.exceptions))}
    counts = Counter(
        (str(one.severity), one.code.value, one.subject if rank < MAX_SUBJECTS else "")
        for rank, one in enumerate(sorted(checked.findings, key=lambda one: -one.severity))
    )
    judgement = checked.judgement
    ages = [os.stat(base / source.file).st_mtime for source in settings.sources if source.file is not None]
    return {
        "findings": [
            {
                "severity": str(one.severity),
                "code": one.code.value,
                "subject": one.subject,
                "reason": one.message,
                "where": str(one.where or ""),
            }
            for one in checked.findings
        ],
        "counts": [[*key, number] for key, number in counts.items()],
        "consistent": {
            str(service): all(cell.works for cell in judgement.of(service) if cell.told)
            for service in judgement.services
        },
        "rules_s": min(ages, default=None),
    }
