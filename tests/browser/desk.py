"""A real server with the sample network, some of whose rules are missing, and a real browser before it."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.conftest import PATH
from tests.daemon.server import Server, Site
from tests.daemon.upstream import answering
from tests.meta.tree import ROOT

SIZES = {"desktop": (1180, 800), "phone": (390, 780)}
# Told the same everywhere: inside, it needs a hairpin.
CAMERA = "  cam: {A: $wan4, expose: [9443/tcp]}\n"
FORWARD = "-A PREROUTING -d 203.0.113.7/32 -p tcp -m tcp --dport {} -j DNAT --to-destination {}\n"
CLIENTS = ("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3")


def lay(directory: Path) -> Site:
    """The sample network in ``directory``, where the mail server's port 465 is not forwarded."""
    site = Site(directory, workers=2)
    for name in ("zones", "deploy/sample-gateway"):
        shutil.copytree(ROOT / name, directory / name, dirs_exist_ok=True)
    (site.zones / "example.org.yaml").unlink()
    zone = site.zones / "example.com.yaml"
    zone.write_text(zone.read_text().replace("  vpn:  ", CAMERA + "\n  vpn:  "))
    rules = directory / "deploy" / "sample-gateway" / "rules.v4"
    missing, added = FORWARD.format(465, "192.168.10.25"), FORWARD.format(9443, "192.168.10.50")
    assert missing in rules.read_text()
    rules.write_text(rules.read_text().replace(missing, added))
    return site


def configuration(upstream: str, more: str = "") -> str:
    """The sample's, on ports that are free."""
    text = (ROOT / "splitdns.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("listen:", "admin:"))]
    own = (
        'listen: ["127.0.0.1:0"]',
        "workers: 2",
        "log: {format: json}",
        f'admin: {{listen: "127.0.0.1:0"{more}}}',
        f'forward: [{{domains: ["."], upstreams: ["{upstream}"]}}]',
    )
    return "\n".join((*own, *lines, ""))


@contextmanager
def serving(directory: Path, more: str = "") -> Iterator[Server]:
    """The server, once it has checked its gateway and has been asked this and that."""
    site = lay(directory)
    with answering() as upstream:
        site.configure(configuration(upstream.address, more))
        site.config = Path(site.config.name)
        with chdir(directory):  # so that the pages name files as a person would
            started = Server(site)
        with started as server:
            server.wait_for("exposure.checked")
            bustle(server)
            yield server


def bustle(server: Server, times: int = 60, seed: int = 7) -> None:
    """Queries of all sorts, always the same ones."""
    chosen = random.Random(seed)
    ours = ("www", "mail", "nas", "shop", "x.apps", "db4", "game", "none")
    names = [f"{name}.example.com" for name in ours] + ["a.example.net", "m.example.edu", "b.example.edu"]
    for _ in range(times):
        rdtype = chosen.choice(("A", "A", "A", "AAAA", "HTTPS"))
        server.ask(chosen.choice(names), rdtype, source=chosen.choice(CLIENTS))


@dataclass
class Window:
    """A page of a browser, and all that must not happen in it."""

    page: Page
    base: str
    console: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith(self.base + "/"):
            self.elsewhere.append(url)

    def open(self, path: str) -> Page:
        self.page.goto(self.base + path)
        return self.page


@contextmanager
def window(
    browser: Browser, server: Server, size: str = "desktop", scheme: str = "light", **more: object
) -> Iterator[Window]:
    """A window of its own; nothing may have been complained about in it, or asked of anybody else."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        **more,  # type: ignore[arg-type]
    )
    try:
        context.set_default_timeout(120_000)  # this machine may have other work
        opened = Window(context.new_page(), f"http://127.0.0.1:{server.admin_port}")
        yield opened
        assert opened.console == []
        assert opened.elsewhere == []
    finally:
        context.close()


def chromium() -> str | None:
    """Debian's."""
    return shutil.which("chromium", path=PATH)


def arguments() -> list[str]:
    """Its sandbox needs a user that is not root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
