"""A generation from a process of its own, or why there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from splitdns.daemon.build import NICE, Build, BuildError
from splitdns.daemon.process import kill
from splitdns.errors import ConfigError
from splitdns.load.load import Loaded
from splitdns.names import from_text
from tests.unit.daemon.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.write("one.example", 1)
    return made


def built(site: Site, former: Loaded | None, *, number: int = 1, strict: bool = False) -> Loaded:
    build = Build(site.config, former, number=number, strict=strict)
    try:
        package = build.package(os.waitpid(build.process, 0)[1])
        assert list(package.portions()) is not None
        return package.loaded(former)
    finally:
        build.close()


def test_one_generation_is_built_upon_another(site: Site) -> None:
    first = built(site, None)
    site.write("two.example", 2)
    second = built(site, first, number=2)

    assert [*second.serials] == [from_text("one.example."), from_text("two.example.")]
    one = from_text("one.example.")
    assert second.snapshot.views[0].zones[one] is first.snapshot.views[0].zones[one]
    assert second.snapshot.generation == 2


def test_every_mistake_in_the_configuration_comes_back(site: Site) -> None:
    site.config.write_text("listen: []\nworkres: 3\n")

    with pytest.raises(ExceptionGroup) as caught:
        built(site, None)

    places = [str(error.where) for error in caught.value.exceptions if isinstance(error, ConfigError)]
    assert places == [f"{site.config}:1:9", f"{site.config}:2:1"]


def test_where_strict_a_broken_zone_is_no_generation(site: Site) -> None:
    site.write("one.example", 1, more="  bad: {A: 300.1.2.3}\n")

    assert len(built(site, None).faults) == 1
    with pytest.raises(ExceptionGroup) as caught:
        built(site, None, strict=True)
    assert str(caught.value.exceptions[0]).startswith(f"{site.zones}/one.example.yaml:5:12: ")


def test_a_process_that_dies_leaves_no_generation(site: Site) -> None:
    reading, writing = os.pipe()

    def wait_for_ever() -> None:
        os.close(writing)
        os.read(reading, 1)

    build = Build(site.config, None, number=1, strict=False, in_child=wait_for_ever)
    kill(build.process)

    with pytest.raises(BuildError, match="SIGKILL"):
        build.package(os.waitpid(build.process, 0)[1])
    build.close()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(("again", "niceness"), [(False, 0), (True, NICE)])
def test_who_answers_goes_before_who_builds(site: Site, again: bool, niceness: int) -> None:
    reading, writing = os.pipe()
    usual = os.nice(0)
    former = built(site, None) if again else None

    def tell(done: int, total: int) -> None:
        os.write(writing, str(os.nice(0) - usual).encode() + b" ")

    site.write("one.example", 2)
    build = Build(site.config, former, number=2, strict=False, progress=tell)
    os.waitpid(build.process, 0)

    assert int(os.read(reading, 100).split()[0]) == niceness
    build.close()
    os.close(reading)
    os.close(writing)
