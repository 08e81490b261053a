"""The privileged helper writes what the check reads, whole, and says when it cannot."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from splitdns.check.fetch import Text
from splitdns.check.gather import gather
from splitdns.errors import Where
from splitdns.load.gateway import Dialect, GatewaySettings
from tests.lab.network import Host, Network
from tests.meta.examples import blocks
from tests.meta.tree import ROOT

HELPER = ROOT / "deploy" / "splitdns-rules"
PAGE = ROOT / "docs" / "fresh-rules.md"
OPTIONAL = {"ipset.txt", "bridge.json", "policy.json"}  # of use to some gateways only: the page says to which
FILES = {
    "rules.json": Dialect.NFTABLES,
    "rules.v4": Dialect.IPTABLES,
    "rules.v6": Dialect.IP6TABLES,
    "addresses.json": Dialect.IP_ADDRESS,
    "routes.json": Dialect.IP_ROUTE,
    "policy.json": Dialect.IP_RULE,
    "sysctl.txt": Dialect.SYSCTL,
}
RULES = """\
table ip nat {
    chain prerouting {
        type nat hook prerouting priority -100;
        ip daddr 203.0.113.7 tcp dport 443 dnat to 192.168.1.20
    }
}
"""

pytestmark = [pytest.mark.root, pytest.mark.needs("ip", "nft", "iptables", "sysctl")]


@pytest.fixture
def gateway() -> Iterator[Host]:
    with Network() as network:
        gateway, server, provider = network.hosts("gateway", "server", "provider")
        network.link((gateway, "lan0", ["192.168.1.1/24"]), (server, "eth0", ["192.168.1.20/24"]))
        network.link((gateway, "wan0", ["203.0.113.7/24"]), (provider, "eth0", ["203.0.113.1/24"]))
        gateway.route("default", "203.0.113.1")
        gateway.run("nft", "-f", "-", text_in=RULES)
        yield gateway


def test_what_the_helper_writes_is_the_gateway(gateway: Host, tmp_path: Path) -> None:
    gateway.run(str(HELPER), str(tmp_path))

    texts = [Text(dialect, name, (tmp_path / name).read_text()) for name, dialect in FILES.items()]
    read = gather(texts, GatewaySettings(), Where("splitdns.yaml"))

    assert {one.name: one.uplink for one in read.network.interfaces if one.addresses} == {
        "lo": False,
        "lan0": False,
        "wan0": True,
    }
    assert read.ruleset.rules == 1
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    assert (tmp_path / "rules.json").stat().st_mode & 0o777 == 0o644


def test_the_files_are_new_each_time_so_that_their_age_tells(gateway: Host, tmp_path: Path) -> None:
    gateway.run(str(HELPER), str(tmp_path))
    first = (tmp_path / "rules.json").stat().st_ino
    os.utime(tmp_path / "rules.json", (1, 1))

    gateway.run(str(HELPER), str(tmp_path))

    again = (tmp_path / "rules.json").stat()
    assert again.st_ino != first
    assert again.st_mtime > 1


def test_its_directory_need_not_be_there(gateway: Host, tmp_path: Path) -> None:
    gateway.run(str(HELPER), str(tmp_path / "new" / "gateway"))

    assert (tmp_path / "new" / "gateway" / "rules.json").exists()


def test_a_wrong_directory_is_told(gateway: Host, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = gateway.run(str(HELPER), str(tmp_path / "file"), check=False)

    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr


def test_the_check_takes_the_files_that_its_page_names(gateway: Host, tmp_path: Path) -> None:
    gateway.run(str(HELPER), str(tmp_path))
    block = next(one for one in blocks(PAGE) if one.language == "yaml")
    named = re.findall(r"dialect: (\S+), *file: /var/lib/splitdns/gateway/(\S+?)}", block.text)

    texts = [Text(Dialect(dialect), file, (tmp_path / file).read_text()) for dialect, file in named]
    read = gather(texts, GatewaySettings(), Where("splitdns.yaml"))

    assert read.ruleset.rules == 1
    assert len(named) == block.text.count("dialect:")
    assert {file for _, file in named} | OPTIONAL == {file for _, file in named} | set(os.listdir(tmp_path))
