"""What comes with every question, counted where it happens: a number in an object that is found beforehand.

To find a series by its labels costs ten times what it costs to count. So whoever counts much asks once for
where, and what stands there is added to the counts before anybody reads them.
"""

from __future__ import annotations

from typing import Any, Protocol

Metric = Any  # ``metrics``, which is above this, says what it is; so it does of ``Counts``
Event = tuple[Metric, tuple[str, ...]]  # a metric, and its labels' values
Request = tuple[str, str, str, str, int, int, bool, int, str]  # the labels of ``Counts.request``


class Traffic(Protocol):
    """Histograms of requests."""

    def count(self, request_octets: int, response_octets: int, duration_s: float) -> None: ...


class Cell:
    """Events of one series, or by how much a gauge has moved, since it was added up."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Line(Cell):
    """Requests that have all labels in common, and the histograms that they are in."""

    __slots__ = ("_traffic",)

    def __init__(self, traffic: Traffic) -> None:
        self.count = 0
        self._traffic = traffic

    def add(self, request_octets: int, response_octets: int, duration_s: float) -> None:
        """Count one more, as ``Counts.request`` does."""
        self.count += 1
        self._traffic.count(request_octets, response_octets, duration_s)


class Tallies:
    """Those of one ``Counts``."""

    __slots__ = ("_cells", "_lines")

    def __init__(self) -> None:
        self._cells: dict[Event, Cell] = {}
        self._lines: dict[Request, Line] = {}

    def cell(self, metric: Metric, *labels: str) -> Cell:
        """Where such events are counted."""
        assert len(labels) == len(metric.labels), metric.name
        return self._cells.setdefault((metric, labels), Cell())

    def line(self, request: Request, traffic: Traffic) -> Line:
        """Where such requests are counted; ``traffic`` is theirs."""
        return self._lines.setdefault(request, Line(traffic))

    def settle(self, counts: Any) -> None:
        """Add up what was counted since the last time, to ``counts``."""
        for (metric, labels), cell in self._cells.items():
            if cell.count:
                by, cell.count = cell.count, 0
                counts.add(metric, *labels, by=by)
        for request, line in self._lines.items():
            if line.count:
                by, line.count = line.count, 0
                counts.requests[request] = counts.requests.get(request, 0) + by
