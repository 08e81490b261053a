"""The exposure check as a service: at the start, when something changed, and every few minutes.

It runs in a child of low priority, which reads the files that a privileged helper has written and judges the
generation that answers. The server itself has no right to read rules, and runs no command (semantics 23).
What comes back is small: findings for the log, numbers for the metrics, and what a page shows.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitdns.daemon.errand import ErrandError, errand
from splitdns.load.load import Loaded
from splitdns.metrics import (
    EXPOSURE_CONSISTENT,
    EXPOSURE_FINDINGS,
    EXPOSURE_RULES,
    EXPOSURE_RUN,
    EXPOSURE_SUCCESSFUL,
    Counts,
)

if TYPE_CHECKING:
    from splitdns.web.cures import Cures
    from splitdns.web.server import Inspected

log = logging.getLogger("splitdns.exposure")

EVERY_S = 300.0  # between two runs where nothing changed: the age of the rules has to be seen
MAX_SUBJECTS = 200  # that have series of their own, the worst; what is beyond is counted without its subject
RUN_S = 120.0  # that one run may take; beyond: it is killed, and counts as failed
CURES_S = 30.0  # that cures may take to be tried, while a person waits; beyond: they are not known

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
        self.inspected: Inspected | None = None
        self._cures: Cures | ErrandError | None = None  # of the last inspection, once somebody asked
        self._trying = asyncio.Lock()

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
            self.inspected = None
            return
        from splitdns.web.server import Inspected

        said = await self._said(loaded)
        self.inspected = Inspected(said["error"] if "error" in said else said["exposure"], time.time())
        self._cures = None
        self._forget()
        self._counts.set(EXPOSURE_RUN, time.time())
        self._counts.set(EXPOSURE_SUCCESSFUL, "error" not in said)
        if "error" in said:
            log.error("exposure.failed", extra={"reason": said["error"]})
            return
        self._count(said)
        self._tell(said)

    async def cures(self, loaded: Loaded) -> Cures:
        """The rules that mend what was found last; they are tried once for each inspection.

        Raises:
            ErrandError: nobody can say, or not soon.
        """
        from splitdns.web.cures import mended

        def work() -> Cures | str:
            try:
                return mended(loaded, self._base)
            except ExceptionGroup as group:
                return "; ".join(map(str, group.exceptions))

        async with self._trying:
            if self._cures is None:
                try:
                    found = await errand(work, self._in_child, CURES_S)
                    self._cures = ErrandError(found) if isinstance(found, str) else found
                except ErrandError as error:
                    self._cures = error
            if isinstance(self._cures, ErrandError):
                raise self._cures
            return self._cures

    async def _said(self, loaded: Loaded) -> dict[str, Any]:
        """What the child says, or that it could not."""
        try:
            return await errand(partial(inspection, loaded, self._base), self._in_child, RUN_S)
        except ErrandError as error:
            return {"error": f"the check: {error}"}

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
    """The check's outcome: findings, counts, whether each service is consistent, what a page shows."""
    from splitdns.check.check import check
    from splitdns.check.gather import read_gateway
    from splitdns.web.exposure import drawn

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
    borne = {(one.finding.subject, name) for one in checked.accepted for name in one.finding.clients}
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
            str(service): all(
                cell.works or (str(service), cell.seen.clients.name) in borne
                for cell in judgement.of(service)
                if cell.told
            )
            for service in judgement.services
        },
        "rules_s": min(ages, default=None),
        "exposure": drawn(checked),
    }
