"""The horizon test with a real browser on a laptop, whose machine asks this server for names, or another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import peers
from tests.lab.network import Host, Network

pytestmark = [pytest.mark.root, pytest.mark.needs("chromium", "dnsmasq", "unshare"), pytest.mark.timeout(600)]

SERVER, ROUTER, LAPTOP = "192.168.1.53", "192.168.1.1", "192.168.1.7"
TOKEN = "a-token-of-the-tests"
CONFIG = """\
listen: ["0.0.0.0:53"]
workers: 2
views:
  lan:      {clients: [192.168.0.0/16], horizon: [inside], recursion: true}
  internet: {clients: [any],            horizon: [outside]}
zones: [zones]
forward: []
admin: {listen: "192.168.1.53:9153", token_file: token}
control: null
"""
ZONE = "zone: example.com\nmode: authoritative\nns: [ns1]\nrecords: {ns1: {A: 192.0.2.53}}\n"
FORWARDING = ("-k", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces")
# Chromium keeps time still while it waits for the network, and lets what is left of it pass at once.
BROWSER = "chromium --headless --no-sandbox --disable-gpu --virtual-time-budget=30000 --dump-dom"


@dataclass
class House:
    """A server, a router that forwards DNS to it, and a laptop."""

    laptop: Host
    directory: Path

    def page(self, resolver: str) -> str:
        """What the horizon page comes to on the laptop, whose resolver is this."""
        resolv_conf = self.directory / f"resolv.conf.{resolver}"
        resolv_conf.write_text(f"nameserver {resolver}\noptions timeout:10 attempts:2\n")
        profile = self.directory / f"profile.{resolver}"
        url = f"http://me:{TOKEN}@{SERVER}:9153/horizon"
        own = f"mount --bind {resolv_conf} /etc/resolv.conf"
        browse = f"{own} && exec {BROWSER} --user-data-dir={profile} {url}"
        return self.laptop.run("unshare", "--mount", "sh", "-c", browse, timeout_s=120).stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with Network() as network:
        server, router, laptop = network.hosts("server", "router", "laptop")
        lan = network.bridge("lan")
        for host, address in ((server, SERVER), (router, ROUTER), (laptop, LAPTOP)):
            lan.plug(host, "eth0", f"{address}/24")
        (network.directory / "zones").mkdir()
        (network.directory / "zones" / "example.com.yaml").write_text(ZONE)
        (network.directory / "token").write_text(TOKEN)
        peers.splitdns(server, CONFIG, ["example.com"], address=SERVER, port=53)
        router.start("dnsmasq", *FORWARDING, f"--listen-address={ROUTER}", f"--server={SERVER}")
        yield House(laptop, tmp_path_factory.mktemp("laptop"))


def test_a_browser_that_asks_here_sees_its_view(house: House) -> None:
    assert f"The browser asks this server itself, as {LAPTOP}, in the view lan." in house.page(SERVER)


def test_a_browser_whose_router_asks_here_sees_the_router(house: House) -> None:
    assert f"Somebody asks this server for the browser, as {ROUTER}, in the view lan" in house.page(ROUTER)


def test_a_browser_with_another_resolver_is_told_so(house: House) -> None:
    assert "The browser did not ask this server" in house.page(LAPTOP)
