from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.errors import Problems, ZoneError
from splitdns.load.zonefiles import by_apex, listed, parsed, viewers_of
from splitdns.names import from_text
from tests.loading import INTERNET, LAN, VIEWERS, VPN, messages


def taken(*names: str) -> tuple[dict[str, list[str]], list[str]]:
    problems = Problems()
    ((_, files),) = by_apex([Path(name) for name in names], problems).items()
    found = viewers_of(files, VIEWERS, problems)
    return (
        {file.path.name: [viewer.name for viewer in viewers] for file, viewers in found.items()},
        messages(problems),
    )


@pytest.mark.parametrize(
    ("name", "apex", "horizon"),
    [
        ("example.org.yaml", "example.org.", None),
        ("example.org.yml", "example.org.", None),
        ("Example.ORG.zone", "example.org.", None),
        ("example.org@inside.zone", "example.org.", "inside"),
        ("10.168.192.in-addr.arpa.yaml", "10.168.192.in-addr.arpa.", None),
        ("0\\04725.2.0.192.in-addr.arpa.zone", "0/25.2.0.192.in-addr.arpa.", None),
    ],
)
def test_a_files_name_says_its_zone_and_horizon__semantics_9(
    name: str, apex: str, horizon: str | None
) -> None:
    file = parsed(Path("zones") / name)
    assert (file.apex, file.horizon) == (from_text(apex.replace("/", "\\047")), horizon)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a..b.zone", "expected a file named after its zone: expected a label"),
        ("bücher.zone", "expected a file named after its zone: expected an ASCII name"),
        ("example.org.txt", "expected a file name that ends in .yaml, .yml or .zone, found 'exa"),
        ("example.org@.zone", "expected APEX@HORIZON.zone"),
        ("example.org@inside.yaml", "expected the horizons inside a YAML zone"),
        ("@inside.zone", "expected a file named after its zone: expected a domain name, found nothing"),
    ],
)
def test_a_name_that_says_no_zone_is_an_error(name: str, message: str) -> None:
    with pytest.raises(ZoneError, match=message.replace(".", r"\.")):
        parsed(Path(name))


def test_a_zone_in_two_files_that_differ_in_their_ending_only_is_an_error() -> None:
    views, (error,) = taken("example.org.yaml", "example.org.yml")
    assert views == {}
    assert error.endswith("expected one file for this zone, found example.org.yaml and example.org.yml")


def test_a_directory_holds_zone_files_and_other_things(tmp_path: Path) -> None:
    data = tmp_path / "..data"
    data.mkdir()
    (data / "c.zone").write_text("")
    (tmp_path / "c.zone").symlink_to("..data/c.zone")
    backups = ("a.zone~", ".a.zone.swp", "#a.zone#", ".hidden.zone")
    for name in ("b.yaml", "a.zone", "README.md", "x.yml", *backups):
        (tmp_path / name).write_text("")
    (tmp_path / "dir.zone").mkdir()
    (tmp_path / "lost.zone").symlink_to("nowhere")
    assert [path.name for path in listed(tmp_path)] == [
        "a.zone",
        "b.yaml",
        "c.zone",
        "dir.zone",  # a zone that cannot be read, like the next: its names are known, and never forwarded
        "lost.zone",
        "x.yml",
    ]
    assert listed(tmp_path / "a.zone") == [tmp_path / "a.zone"]
    with pytest.raises(OSError, match="nowhere"):
        listed(tmp_path / "nowhere")


def test_files_are_grouped_by_zone_and_the_same_file_counts_once() -> None:
    problems = Problems()
    paths = [Path("a.zone"), Path("b@x.zone"), Path("B@y.zone"), Path("a.zone"), Path("x.txt")]
    found = by_apex(paths, problems)
    assert {apex: [file.path.name for file in files] for apex, files in found.items()} == {
        from_text("a."): ["a.zone"],
        from_text("b."): ["b@x.zone", "B@y.zone"],
    }
    assert len(problems.errors) == 1


def test_a_view_takes_the_whole_zone_from_its_first_horizon_that_has_a_file__semantics_9() -> None:
    every = ["lan", "vpn", "internet"]
    assert taken("a.zone") == ({"a.zone": every}, [])
    assert taken("a@inside.zone", "a@vpn.zone", "a@outside.zone") == (
        {"a@inside.zone": ["lan"], "a@vpn.zone": ["vpn"], "a@outside.zone": ["internet"]},
        [],
    )
    assert taken("a@inside.zone") == ({"a@inside.zone": ["lan", "vpn"]}, [])
    assert taken("a@nobody.zone") == ({"a@nobody.zone": []}, [])
    assert (LAN.horizon, VPN.horizon, INTERNET.horizon) == (("inside",), ("vpn", "inside"), ("outside",))


@pytest.mark.parametrize(
    "names", [("a.zone", "a.yaml"), ("a.zone", "a@inside.zone"), ("a@x.zone", "A@x.zone")]
)
def test_two_files_for_one_zone_are_an_error_that_names_both__semantics_9(names: tuple[str, str]) -> None:
    found, (message,) = taken(*names)
    assert found == {}
    assert message.endswith(f"expected one file for this zone, found {names[0]} and {names[1]}")
