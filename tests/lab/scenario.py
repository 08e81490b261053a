"""Networks that people describe in how-tos, each a directory: drawn, configured, and what must come of it.

``scenarios/NAME/scenario.yaml`` has the network and the steps. Each step loads rules into the gateway, runs
the real daemon there with one of the configurations beside it, lets every client fetch pages by name, and
runs ``splitdns check`` on what the gateway exports then. A gateway that is no Linux machine has its own files
beside it, which the check reads, and of which the model is loaded (``device``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from splitdns.check.model import Gateway
from tests.lab import plan as planned
from tests.lab import web
from tests.lab.built import EXPORTS, Built, built
from tests.lab.device import LAID, Site, misfits
from tests.lab.loaded import script
from tests.lab.network import Host
from tests.lab.vpn import Tunnel

DIRECTORY = Path(__file__).with_name("scenarios")
PATIENCE_S = 2  # for a page that does not come
MORE_PATIENCE_S = 30  # where it ought to have come: this machine may have stood still
READY_S = 60.0  # for the daemon

_LOADERS = {".nft": ("nft", "-f", "-"), ".iptables": ("iptables-restore",)}
_LISTERS = {".nft": ("nft", "list", "ruleset"), ".iptables": ("iptables-save",)}
_COUNT = re.compile(r"\b(packets) \d+ (bytes) \d+")


@dataclass(frozen=True)
class Step:
    """``fetches``: by client and URL, what comes; ``finds`` and ``lacks``: patterns of findings.

    ``mended``: the dialect in which the check's own cure is printed and applied first; ``daemon``: its host.
    ``findings``: all of them, a line for each (``check.lines``). ``leaves``: the file that has the rules as
    they are then.

    The gateway is either Linux with ``rules``, or a device whose files are kept under ``gateway``: then
    ``was`` is where those are kept to which ``mended`` is applied, to give these.
    """

    name: str
    config: str
    rules: tuple[str, ...] = ()
    gateway: str = ""
    was: str = ""
    leaves: str = ""
    fetches: dict[str, dict[str, str]] = field(default_factory=dict)
    finds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    mended: str = ""
    daemon: str = planned.GATEWAY


@dataclass(frozen=True)
class Scenario:
    """``resolver``: by client, the address that it asks; ``serves``: the ports of web servers, by host."""

    directory: Path
    plan: planned.Plan
    steps: tuple[Step, ...]
    serves: dict[str, list[int]]
    resolver: dict[str, str]
    tunnel: dict[str, Any]

    @classmethod
    def read(cls, directory: Path) -> Scenario:
        text = yaml.safe_load((directory / "scenario.yaml").read_text())
        steps = tuple(Step(**_tuples(one)) for one in text["steps"])
        network = planned.read(yaml.safe_dump({"tables": [], "asks": [], **text["network"]}))
        return cls(directory, network, steps, text["serves"], text["resolver"], text.get("tunnel", {}))

    def misfits(self, gateway: Gateway) -> list[str]:
        """How a device's network is another one than is built here."""
        return misfits(gateway, self.plan, {"lo", self.tunnel.get("interface", "wg0")})


@dataclass
class Running:
    """A scenario's network, up; ``work`` is a copy of its directory."""

    scenario: Scenario
    network: Built
    work: Path

    def load(self, files: tuple[str, ...]) -> None:
        """These rules, and no others."""
        self.network.gateway.run("nft", "flush", "ruleset")
        for file in files:
            self.network.gateway.run(*_LOADERS[Path(file).suffix], text_in=(self.work / file).read_text())

    def play(self, state: str, config: str) -> None:
        """Load what the check understands of a device's files, and lay them where the configuration reads."""
        site = Site(self.work)
        site.lay(state)
        gateway = site.gateway(config)
        wrong = self.scenario.misfits(gateway)
        assert not wrong, wrong
        self.network.gateway.run("nft", "flush", "ruleset")
        self.network.gateway.run("nft", "-f", "-", text_in=script(gateway.ruleset))

    def listed(self, file: str) -> str:
        """The gateway's rules, as the tool lists them that ``file`` is for, without counts and times."""
        text = self.network.gateway.run(*_LISTERS[Path(file).suffix]).stdout
        lines = (_COUNT.sub(r"\1 0 \2 0", line) for line in text.splitlines() if not line.startswith("#"))
        return "".join(f"{line}\n" for line in lines)

    def export(self) -> None:
        """Write what the gateway says of itself to where the configuration looks for it."""
        exports = self.work / LAID
        exports.mkdir(exist_ok=True)
        for dialect, text in self.network.exports(EXPORTS).items():
            (exports / dialect).write_text(text)

    @contextmanager
    def served(self, config: str, where: str) -> Iterator[None]:
        """The daemon on one of the hosts, with one of the configurations."""
        argv = (sys.executable, "-m", "splitdns", "serve", "-c", str(self.work / config))
        daemon = self.network.hosts[where].start(*argv)
        try:
            deadline_s = time.monotonic() + READY_S
            while " serving " not in daemon.output:
                assert daemon.running, f"the daemon ended: {daemon.output}"
                assert time.monotonic() < deadline_s, f"the daemon does not serve: {daemon.output}"
                time.sleep(0.02)
            yield
        finally:
            status = daemon.stop()
        assert status == 0, f"the daemon ended with {status}: {daemon.output}"

    def fetched(self, fetches: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """What comes of each client's fetches, all at once; of what is not as expected, once more."""
        expected = {(client, url): page for client, urls in fetches.items() for url, page in urls.items()}
        found = self._fetch(expected, PATIENCE_S)
        if others := [key for key, page in expected.items() if found[key] != page]:
            found |= self._fetch(others, MORE_PATIENCE_S)
        return {client: {url: found[client, url] for url in urls} for client, urls in fetches.items()}

    def _fetch(self, wanted: Iterable[tuple[str, str]], patience_s: int) -> dict[tuple[str, str], str]:
        """What comes of these, by client and URL."""
        started = {
            (client, url): _curl(self.network.hosts[client], self.scenario.resolver[client], url, patience_s)
            for client, url in wanted
        }
        return {key: _page(process) for key, process in started.items()}

    def check(self, config: str) -> list[dict[str, Any]]:
        """The findings of ``splitdns check``."""
        done = self._splitdns("check", "-c", config, "--format", "json")
        assert done.returncode in {0, 1, 3}, done.stderr
        return list(json.loads(done.stdout)["findings"])

    def mend(self, config: str, dialect: str) -> None:
        """Apply what ``splitdns rules`` prints; more of its options may stand behind the dialect."""
        done = self._splitdns("rules", "-c", config, "--dialect", *dialect.split())
        assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: some of it is a person's to decide
        self.network.gateway.run("sh", "-eu", text_in=done.stdout)

    def _splitdns(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "splitdns", *words]
        env = {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(argv, cwd=self.work, capture_output=True, text=True, timeout=300, env=env)


@contextmanager
def running(scenario: Scenario) -> Iterator[Running]:
    with ExitStack() as stack:
        network = stack.enter_context(built(scenario.plan))
        for name, ports in scenario.serves.items():
            web.serve(network.hosts[name], ports)
        if scenario.tunnel:
            ends = {key: network.hosts[scenario.tunnel[key]] for key in ("server", "client")}
            rest = {key: value for key, value in scenario.tunnel.items() if key not in ends}
            Tunnel(**ends, **_tuples(rest)).open()
        work = network.gateway.directory / "site"
        shutil.copytree(scenario.directory, work)
        yield Running(scenario, network, work)


def _curl(client: Host, resolver: str, url: str, patience_s: int) -> subprocess.Popen[str]:
    """Fetch ``url`` with the machine's own resolver library, which asks ``resolver``."""
    settings = client.directory / f"{client.name}.resolv.conf"
    settings.write_text(f"nameserver {resolver}\noptions timeout:{patience_s // 2} attempts:1\n")
    script = 'mount --bind "$1" /etc/resolv.conf && exec curl -sS --noproxy "*" --max-time "$2" "$3"'
    argv = client.command("unshare", "-m", "sh", "-c", script, "curl", str(settings), str(patience_s), url)
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _page(process: subprocess.Popen[str]) -> str:
    said, complained = process.communicate(timeout=10 * MORE_PATIENCE_S)
    match process.returncode:
        case 0:
            return said
        case 28:
            return "times out"
        case 7:
            return "no connection"
        case 6:
            return "no address"
        case status:
            return f"curl exited {status}: {complained}"


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(one) if isinstance(one, list) else one for key, one in values.items()}
