"""The daemon as a process of its own on loopback ports that it chose, and what it says while it runs."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import dns.message
import dns.query

PATIENCE_S = 60.0  # for what must happen

CONFIG = """\
listen: ["127.0.0.1:0"]
workers: {workers}
admin: {{listen: "127.0.0.1:0"}}
log: {{format: json}}
views:
  lan:      {{clients: [127.0.0.1/32], horizon: [inside], recursion: true}}
  internet: {{clients: [any], horizon: [outside]}}
zones: [zones]
forward: [{{domains: ["."], upstreams: ["{upstream}"]}}]
"""

Event = dict[str, Any]


def zone(host: int, more: str = "") -> str:
    """example.org with one host, whose addresses end in ``host``."""
    return (
        "zone: example.org\nns: [ns.example.net.]\nrecords:\n"
        f"  www: {{A: {{inside: 192.168.0.{host}, outside: 203.0.113.{host}}}}}\n{more}"
    )


class Site:
    """A directory with a configuration and zones."""

    def __init__(self, path: Path, *, workers: int = 2, upstream: str = "127.0.0.1:1") -> None:
        self.path = path
        self.config = path / "splitdns.yaml"
        self.zones = path / "zones"
        self.zones.mkdir()
        self.settings = CONFIG.format(workers=workers, upstream=upstream)
        self.config.write_text(self.settings)
        self.write("example.org.yaml", zone(1))

    def write(self, name: str, text: str) -> None:
        """Put a zone file in place as editors do: whole, by renaming."""
        new = self.path / f".{name}.new"
        new.write_text(text)
        new.rename(self.zones / name)

    def configure(self, text: str) -> None:
        new = self.path / ".config.new"
        new.write_text(text)
        new.rename(self.config)


class Server:
    """A running ``splitdns serve``; its events can be waited for, in the order in which they come."""

    def __init__(self, site: Site, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "splitdns", "serve", "-c", str(site.config), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "XDG_CACHE_HOME": str(site.path / "caches"), **(env or {})},
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.events: list[Event] = []
        self.printed: queue.Queue[str] = queue.Queue()
        self._coming: queue.Queue[Event | None] = queue.Queue()
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        self._readers = [
            threading.Thread(target=self._read_events, args=(self.process.stderr,), daemon=True),
            threading.Thread(target=self._read_output, args=(self.process.stdout,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.port = self.admin_port = 0

    def __enter__(self) -> Server:
        try:
            serving = self.wait_for("serving")
        except AssertionError:
            self.__exit__()
            raise
        self.port = int(serving["listen"].rpartition(":")[2])
        self.admin_port = int(serving["admin"].rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    @property
    def text(self) -> str:
        """All of standard error so far."""
        return "".join(self.lines)

    def wait_for(self, name: str, **fields: object) -> Event:
        """The next event of this name with these fields; others that come before it are passed over."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                event = self._coming.get(timeout=max(deadline_s - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"no {name} {fields} in:\n{self.text}") from None
            assert event is not None, f"ended without {name} {fields}:\n{self.text}"
            if event["event"] == name and all(event.get(key) == value for key, value in fields.items()):
                return event

    def ends(self) -> int:
        """Its exit status, once it has ended by itself."""
        return self.process.wait(PATIENCE_S)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def workers(self) -> list[int]:
        """The process ids of its children."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    # Questions

    def ask(
        self, name: str, rdtype: str = "A", *, tcp: bool = False, source: str = "127.0.0.1"
    ) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype)
        if tcp:
            return dns.query.tcp(query, "127.0.0.1", PATIENCE_S, self.port, source=source)
        return dns.query.udp(query, "127.0.0.1", PATIENCE_S, self.port, source=source)

    def address(self, name: str = "www.example.org", **how: Any) -> str:
        """The one address of a name."""
        (rrset,) = self.ask(name, **how).answer
        return str(rrset[0])

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of the admin endpoint's answer."""
        url = f"http://127.0.0.1:{self.admin_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self, silent: int = 0) -> dict[str, float]:
        """Every sample, by its name and labels as they are printed, without the namespace.

        All workers but ``silent`` of them said what they count: on a busy machine one may be late, and then
        the server goes by what it said before.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            status, text = self.get("/metrics")
            assert status == 200
            lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
            samples = {series.removeprefix("splitdns_"): float(value) for series, value in lines}
            if samples["workers_silent"] == silent:
                return samples
            assert time.monotonic() < deadline_s, text

    def total(self, name: str, label: str = "", silent: int = 0) -> float:
        """The sum of all series of a metric, or of those with ``label``."""
        return sum(
            value
            for series, value in self.metrics(silent).items()
            if series.partition("{")[0] == name and label in series
        )

    def _read_events(self, stream: IO[bytes]) -> None:
        for octets in stream:
            line = octets.decode()
            self.lines.append(line)
            with suppress(ValueError):
                event = json.loads(line)
                self.events.append(event)
                self._coming.put(event)
        self._coming.put(None)

    def _read_output(self, stream: IO[bytes]) -> None:
        for octets in stream:
            self.printed.put(octets.decode())


class Systemd:
    """A service manager's notification socket."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(self.address)
        self._sock.settimeout(PATIENCE_S)

    def heard(self) -> Iterator[dict[str, str]]:
        """What services say, as it comes."""
        while True:
            lines = self._sock.recv(4096).decode().splitlines()
            yield dict(line.split("=", 1) for line in lines)

    def falls_silent(self, for_s: float = 3.0) -> bool:
        """Whether within ``PATIENCE_S`` nothing is said for so long."""
        until = time.monotonic() + PATIENCE_S
        self._sock.settimeout(for_s)
        try:
            while time.monotonic() < until:
                self._sock.recv(4096)
        except TimeoutError:
            return True
        finally:
            self._sock.settimeout(PATIENCE_S)
        return False

    def close(self) -> None:
        self._sock.close()
