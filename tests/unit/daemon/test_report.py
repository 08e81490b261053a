"""What people are told of a generation, and that they are told once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from splitdns.daemon import report
from splitdns.errors import Caution, Where
from splitdns.load.load import Loaded
from splitdns.metrics import (
    GENERATION,
    LIST_NAMES,
    RELOAD_DURATION,
    RELOAD_FAILED,
    RELOAD_SUCCESS,
    RELOAD_SUCCESSFUL,
    RELOAD_TIMESTAMP,
    ZONE_FAILED,
    ZONE_FAULTS,
    ZONE_SERIAL,
    Counts,
)
from tests.unit.daemon.site import Site

BAD = "  bad: {A: 300.1.2.3}\n"


class Told:
    """Events and numbers of a server's generations."""

    def __init__(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        self.site = site
        self.counts = Counts()
        self._caplog = caplog
        caplog.set_level(logging.INFO, logger="splitdns.daemon")
        self.loaded = site.load()
        report.first(self.loaded, self.counts, 100.0)

    def reload(self) -> None:
        self._caplog.clear()
        former, self.loaded = self.loaded, self.site.load(self.loaded)
        report.swapped(self.loaded, former, self.counts, 200.0, 0.5)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [vars(record) for record in self._caplog.records if record.getMessage() == name]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.write("one.example", 1)
    return made


@pytest.fixture
def told(site: Site, caplog: pytest.LogCaptureFixture) -> Told:
    return Told(site, caplog)


def test_the_first_generation_is_counted_and_is_no_reload(told: Told) -> None:
    counts = told.counts
    assert counts.value(GENERATION) == 1
    assert counts.value(RELOAD_SUCCESSFUL) == 1
    assert counts.value(RELOAD_SUCCESS) == 0
    assert counts.value(RELOAD_TIMESTAMP) == 100.0
    assert counts.value(ZONE_SERIAL, "one.example.") > 0


def test_a_swap_is_an_event_and_numbers(told: Told, site: Site) -> None:
    site.write("two.example", 2)
    told.reload()

    (event,) = told.events("generation.swapped")
    assert (event["generation"], event["zones"], event["broken"], event["seconds"]) == (2, 2, 0, 0.5)
    assert told.counts.value(RELOAD_SUCCESS) == 1
    assert told.counts.value(RELOAD_DURATION) == 0.5
    assert told.counts.value(RELOAD_TIMESTAMP) == 200.0


def test_a_zone_that_is_gone_has_no_serial(told: Told, site: Site) -> None:
    site.write("two.example", 2)
    (site.zones / "one.example.yaml").unlink()
    told.reload()

    assert {labels for name, labels in told.counts.gauges if name == ZONE_SERIAL.name} == {("two.example.",)}


def test_zones_that_come_and_go_are_told(told: Told, site: Site) -> None:
    site.write("two.example", 1)
    told.reload()
    assert [event["zone"] for event in told.events("zone.new")] == ["two.example."]
    assert told.events("zone.gone") == []
    next(site.zones.glob("two.example*")).unlink()
    told.reload()
    assert [event["zone"] for event in told.events("zone.gone")] == ["two.example."]
    assert told.events("zone.new") == []


def test_a_broken_zone_is_told_when_it_breaks_and_when_it_is_mended(told: Told, site: Site) -> None:
    site.write("one.example", 1, more=BAD)
    told.reload()
    (event,) = told.events("zone.broken")
    assert event["zone"] == "one.example."
    assert event["where"] == f"{site.zones}/one.example.yaml:5:12"
    assert "300.1.2.3" in event["reason"]
    assert (told.counts.value(ZONE_FAULTS, "one.example."), told.counts.value(ZONE_FAILED)) == (1, 1)

    told.reload()
    assert told.events("zone.broken") == []
    assert (told.counts.value(ZONE_FAULTS, "one.example."), told.counts.value(ZONE_FAILED)) == (1, 1)

    site.write("one.example", 2)
    told.reload()
    (event,) = told.events("zone.mended")
    assert event["zone"] == "one.example."
    assert told.counts.value(ZONE_FAULTS, "one.example.") == 0


def test_a_file_that_names_no_zone_is_told_without_one(told: Told, site: Site) -> None:
    (site.zones / "ex..ample.yaml").write_text("zone: example\n")
    told.reload()

    (event,) = told.events("zone.broken")
    assert "zone" not in event
    assert event["where"] == f"{site.zones}/ex..ample.yaml"


def test_a_refused_configuration_is_told_place_by_place(told: Told, site: Site) -> None:
    site.config.write_text("workres: 3\nquerylog: maybe\n")
    with pytest.raises(ExceptionGroup) as caught:
        site.load(told.loaded)

    report.refused(caught.value.exceptions, told.loaded, told.counts)

    assert [event["where"] for event in told.events("config.broken")] == [
        f"{site.config}:1:1",
        f"{site.config}:2:11",
    ]
    (event,) = told.events("reload.failed")
    assert event["generation"] == 1
    assert told.counts.value(RELOAD_FAILED) == 1
    assert told.counts.value(RELOAD_SUCCESSFUL) == 0


def test_a_failure_without_a_place_is_told_too(told: Told) -> None:
    report.refused([RuntimeError("the process died")], told.loaded, told.counts)

    assert [event["reason"] for event in told.events("config.broken")] == ["the process died"]


def test_a_warning_is_told_once(told: Told, site: Site) -> None:
    site.write("one.example", 1, more="  alias: {CNAME: nowhere}\n")
    told.reload()
    (event,) = told.events("zone.warning")
    assert event["where"] == f"{site.zones}/one.example.yaml:5:18"

    told.reload()
    assert told.events("zone.warning") == []


def test_a_setting_that_needs_a_restart_is_told_with_its_place(told: Told, site: Site) -> None:
    site.config.write_text(site.config.read_text() + "workers: 7\n")
    told.reload()

    (event,) = told.events("config.needs_restart")
    assert (event["setting"], event["where"]) == ("workers", f"{site.config}:7:10")


@pytest.mark.parametrize("more", [0, 1])
def test_thousands_of_warnings_do_not_fill_the_disk(told: Told, more: int) -> None:
    warnings = tuple(Caution(Where("a.zone", line), "odd") for line in range(1, report.MAX_LINES + 1 + more))
    loaded = Loaded(told.loaded.snapshot, told.loaded.settings, warnings)

    report.swapped(loaded, told.loaded, told.counts, 0.0, 0.0)

    events = told.events("zone.warning")
    assert len(events) == report.MAX_LINES + more
    assert events[-1].get("more") == (1 if more else None)


def test_each_list_has_as_many_names_as_it_has_now(told: Told) -> None:
    config = told.site.config
    (config.parent / "ads.txt").write_text("a.example\nb.example\n")
    former = config.read_text()
    config.write_text(f"{former}\nblocklists: [{{file: ads.txt}}]\n")
    told.reload()
    assert told.counts.value(LIST_NAMES, "ads") == 2
    config.write_text(former)
    told.reload()
    assert not [name for name, _ in told.counts.gauges if name == LIST_NAMES.name]
