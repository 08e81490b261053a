"""``splitdns zone import``: what is printed, what is written, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

EXPORT = r"""/ip dns static
add address=192.168.88.20 regexp="(^|www\\.)myserver\\.net\$" ttl=5m
add address=192.168.88.21 name=www.myserver.net ttl=5m
add name=ads.example.net type=NXDOMAIN
"""


@pytest.fixture
def export(desk: Path) -> Path:
    (desk / "export.rsc").write_text(EXPORT)
    return desk / "export.rsc"


@pytest.mark.usefixtures("export")
def test_zones_are_printed_and_what_is_left_is_told(run: Run) -> None:
    result = run("zone", "import", "--from", "routeros", "export.rsc")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "# myserver.net.yaml",
        "# imported from export.rsc",
        "zone: myserver.net",
        "mode: overlay",
        "records:",
        '  "~www$": {A: {inside: "192.168.88.20"}, ttl: 5m}',
        '  www: {A: {inside: "192.168.88.21"}, ttl: 5m}',
        '  "@": {A: {inside: "192.168.88.20"}, ttl: 5m}',
    ]
    shadowed, left = result.stderr.splitlines()
    assert shadowed.startswith("export.rsc:3:1: warning: www.myserver.net was answered by the pattern")
    assert left == "export.rsc:4:1: warning: ads.example.net does not exist there: put it into a blocklist"


@pytest.mark.usefixtures("export")
def test_an_imported_zone_answers_as_the_device_did__semantics_8(run: Run) -> None:
    run("zone", "import", "--from", "routeros", "export.rsc", "--to", "zones")

    def asked(name: str) -> str:
        return run("query", name, "--from", "192.168.1.7").stdout.replace("\t", " ")

    assert "myserver.net. 300 IN A 192.168.88.20" in asked("myserver.net")
    assert "a.www.myserver.net. 300 IN A 192.168.88.20" in asked("a.www.myserver.net")
    assert "www.myserver.net. 300 IN A 192.168.88.21" in asked("www.myserver.net")  # the name wins here
    assert "192.168.88" not in asked("other.myserver.net")


@pytest.mark.usefixtures("export")
def test_a_file_that_is_there_is_left_alone(run: Run, desk: Path) -> None:
    (desk / "zones" / "myserver.net.yaml").write_text("mine")

    result = run("zone", "import", "--from", "routeros", "export.rsc", "--to", "zones")

    assert result.exit_code == 2
    assert "there is a file already, and it is left alone: zones/myserver.net.yaml" in result.stderr
    assert (desk / "zones" / "myserver.net.yaml").read_text() == "mine"


@pytest.mark.usefixtures("export")
def test_a_wanted_zone_and_horizon_are_kept(run: Run) -> None:
    words = ("--zone", "www.myserver.net.", "--horizon", "vpn")
    result = run("zone", "import", "--from", "routeros", "export.rsc", *words)

    assert '  "@": {A: {vpn: "192.168.88.21"}, ttl: 5m}' in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing.rsc",), "missing.rsc: cannot read it"),
        (("splitdns.yaml",), "splitdns.yaml:1:1: expected a menu like /ip address"),
        (("export.rsc", "--zone", "a..b"), "expected a label, found an empty one"),
        (("export.rsc", "--to", "nowhere"), "cannot write it"),
    ],
)
@pytest.mark.usefixtures("export")
def test_wrong_input_is_told(run: Run, words: tuple[str, ...], message: str) -> None:
    result = run("zone", "import", "--from", "routeros", *words)

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_configuration_has_directories_of_its_own(run: Run, desk: Path) -> None:
    (desk / "dnsmasq.conf").write_text("server=9.9.9.9\nhost-record=a.lan,10.0.0.1\naddress=/ads.example/#\n")

    result = run("zone", "import", "--from", "dnsmasq", "dnsmasq.conf", "--to", "new/dir")

    assert result.exit_code == 0
    made = sorted(str(path.relative_to(desk)) for path in (desk / "new").rglob("*") if path.is_file())
    assert made == ["new/dir/lists/null.txt", "new/dir/splitdns.yaml", "new/dir/zones/lan.yaml"]
    assert "10.0.0.1" in run("query", "a.lan", "--from", "10.0.0.7", "-c", "new/dir/splitdns.yaml").stdout


def test_a_mistake_in_a_configuration_is_told_with_its_place(run: Run, desk: Path) -> None:
    (desk / "named.conf").write_text("options {\n")

    result = run("zone", "import", "--from", "bind-views", "named.conf")

    assert result.exit_code == 2
    assert "named.conf:1:" in result.stderr


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("dnsmasq", "server=9.9.9.9\naddn-hosts=/gone.d/1\nconf-dir=/gone.d/2\nconf-file=/gone.d/3\n"),
        ("unbound", 'server:\nauth-zone:\n name: a\n zonefile: "/gone.d/1"\ninclude: "/gone.d/2"\n'
                    'include: "/gone.d/3/*.conf"\n'),
        ("bind-views", 'zone a { type master; file "/gone.d/1"; };\n'
                       'zone b { type master; file "/gone.d/2"; };\ninclude "/gone.d/3";\n'),
        ("corefile", "a {\n file /gone.d/1\n hosts /gone.d/2\n}\nimport /gone.d/3\n"),
    ],
)  # fmt: skip
def test_nothing_is_made_without_the_files_that_a_configuration_names(
    run: Run, desk: Path, source: str, text: str
) -> None:
    """A zone whose file was not copied would be asked on the internet."""
    (desk / "old.conf").write_text(text)

    result = run("zone", "import", "--from", source, "old.conf", "--to", "new")

    assert result.exit_code == 2
    assert not (desk / "new").exists()
    assert [line.count(" cannot be read: ") for line in result.stderr.splitlines()] == [1, 1, 1]
    assert all(f"/gone.d/{one} " in result.stderr for one in (1, 2, 3))
