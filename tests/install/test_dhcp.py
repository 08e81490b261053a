"""What the page about DHCP says is what the servers take: each example passes the real program's check."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.meta.examples import blocks
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dhcp.md"
EXAMPLES = {block.title: block.text for block in blocks(PAGE)}


def written(directory: Path, title: str) -> str:
    """The page's example of that name as a file, with an interface and a directory that are there."""
    path = directory / title
    path.write_text(EXAMPLES[title].replace("lan0", "lo").replace("/var/lib/kea/", f"{directory}/"))
    return str(path)


def check(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stderr + done.stdout


@pytest.mark.needs("dnsmasq")
def test_dnsmasq_takes_its_example(tmp_path: Path) -> None:
    said = check("dnsmasq", "--test", f"--conf-file={written(tmp_path, 'dnsmasq.conf')}")
    assert "syntax check OK" in said


@pytest.mark.needs("dnsmasq")
def test_dnsmasq_s_check_finds_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "dnsmasq.conf"
    path.write_text(EXAMPLES["dnsmasq.conf"].replace("option:dns-server", "option:dns-serve"))
    assert subprocess.run(["dnsmasq", "--test", f"--conf-file={path}"], capture_output=True).returncode


@pytest.mark.needs("kea-dhcp4", "kea-dhcp6")
@pytest.mark.parametrize("family", [4, 6])
def test_kea_takes_its_examples(tmp_path: Path, family: int) -> None:
    check(f"kea-dhcp{family}", "-t", written(tmp_path, f"kea-dhcp{family}.conf"))


@pytest.mark.needs("kea-dhcp4")
def test_kea_s_check_finds_mistakes(tmp_path: Path) -> None:
    path = Path(written(tmp_path, "kea-dhcp4.conf"))
    path.write_text(path.read_text().replace("domain-name-servers", "domain-name-server"))
    assert subprocess.run(["kea-dhcp4", "-t", path], capture_output=True).returncode


@pytest.mark.needs("radvd")
def test_radvd_takes_its_example(tmp_path: Path) -> None:
    check("radvd", "--configtest", "--config", written(tmp_path, "radvd.conf"))


def test_every_example_hands_out_splitdns_and_nobody_else() -> None:
    """Names of well-known public resolvers stand only where the page warns of them."""
    for title, text in EXAMPLES.items():
        addresses = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text))
        assert not {one for one in addresses if not one.startswith(("192.168.1.", "10.8.0.", "255."))}, title
        if re.search(r"(?<!split)dns|name-?servers|RDNSS", text, re.IGNORECASE):
            assert "192.168.1.53" in text or "fd00:1::53" in text, title
