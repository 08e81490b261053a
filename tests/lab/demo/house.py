"""The house of the demonstration: who is in it, how they are wired, and commands as one would type them.

A laptop, the web server and the name server are on the gateway's LAN, a provider, a visitor and a phone on
its uplink, and the phone has a tunnel. A command is a line for a shell, which runs in ``site`` with an
``/etc/resolv.conf`` of the host's own, so that what is shown is what is run.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.lab.daemon import Daemon
from tests.lab.network import Host, Network
from tests.lab.vpn import Tunnel
from tests.meta.tree import ROOT
from tests.monitoring.prometheus import hastened

SITE = Path(__file__).with_name("site")
PUBLIC = "203.0.113.7"
TOOLS = ("ip", "nft", "sysctl", "dnsmasq", "udhcpc", "curl", "wg", "wireguard-go", "prometheus", "promtool")

_PATH = f"{Path(sys.executable).parent}:{ROOT / 'deploy'}:/usr/sbin:/usr/bin:/sbin:/bin"
_ALONE = 'mount --bind "$1" /etc/resolv.conf && cd "$2" && exec env -i PATH="$3" PYTHONPATH="$4" sh -c "$5"'


class House:
    """Wired, and without a process in it yet; ``site`` is a copy of the configuration's directory."""

    def __init__(self, network: Network) -> None:
        self.gateway, self.web, self.dns, self.laptop = network.hosts("gateway", "web", "dns", "laptop")
        self.provider, self.visitor, self.phone = network.hosts("provider", "visitor", "phone")
        self._started: list[Daemon] = []
        self.site = network.directory / "site"
        shutil.copytree(SITE, self.site)
        (self.site / "gateway").mkdir()
        self._provision_prometheus()

        home, internet = network.bridge("home"), network.bridge("internet")
        home.plug(self.gateway, "lan0", "192.168.1.1/24")
        home.plug(self.web, "eth0", "192.168.1.20/24")
        home.plug(self.dns, "eth0", "192.168.1.53/24")
        home.plug(self.laptop, "eth0")
        internet.plug(self.gateway, "wan0", f"{PUBLIC}/24")
        internet.plug(self.provider, "eth0", "203.0.113.1/24")
        internet.plug(self.visitor, "eth0")
        internet.plug(self.phone, "eth0")
        for host in (self.web, self.dns):
            host.route("default", "192.168.1.1")
        self.gateway.route("default", "203.0.113.1")
        self.gateway.sysctl({"net/ipv4/ip_forward": "1"})
        self.tunnel = Tunnel(
            self.gateway, self.phone, PUBLIC, "10.8.0.1/24", "10.8.0.2/24", ("10.8.0.0/24", "192.168.1.0/24")
        )

    def _provision_prometheus(self) -> None:
        """As deployed, but that a minute is a second."""
        config = (ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text()
        (self.site / "prometheus.yaml").write_text(config.replace("interval: 15s", "interval: 1s"))
        (self.site / "rules.yaml").write_text(hastened())

    def run(self, host: Host, line: str) -> tuple[int, str]:
        """Its exit status, and all that it printed."""
        done = host.run(*self._alone(host, f"exec 2>&1\n{line}"), check=False, timeout_s=60)
        return done.returncode, done.stdout.strip()

    def start(self, host: Host, line: str) -> None:
        """Start what goes on until the house is left."""
        self._started.append(host.start(*self._alone(host, f"exec {line}")))

    def ended(self) -> str:
        """The last words of whatever should go on and does not."""
        return "\n".join(one.output[-2_000:] for one in self._started if not one.running)

    def _alone(self, host: Host, line: str) -> list[str]:
        settings = host.directory / f"{host.name}.resolv.conf"
        settings.touch()
        values = (str(settings), str(self.site), _PATH, str(ROOT), line)
        return ["unshare", "--mount", "sh", "-c", _ALONE, "sh", *values]


def missing() -> list[str]:
    """The commands that are not installed here."""
    return [name for name in TOOLS if shutil.which(name, path=_PATH) is None]
