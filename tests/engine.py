"""A container engine for tests: its API over HTTP, on a unix socket or a port, as Docker 27 answers it.

The shapes are those of real answers. Containers start and stop at a test's word, and so do the troubles that
an engine can make.
"""

from __future__ import annotations

import hashlib
import json
import queue
import re
import socket
import socketserver
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

VERSION = {
    "Platform": {"Name": "Docker Engine - Community"},
    "Version": "27.3.1",
    "ApiVersion": "1.47",
    "MinAPIVersion": "1.24",
    "Os": "linux",
    "Arch": "amd64",
    "KernelVersion": "6.1.0-28-amd64",
}
BRIDGE, PROXY_NET, LAN_NET = "7ea29fc1412292a2", "b1f3e7c09d5a4c11", "e4c0a1d25b7f9e36"
END = object()


def identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def port(
    public: int, private: int | None = None, ip: str = "0.0.0.0", protocol: str = "tcp"
) -> dict[str, Any]:
    return {"IP": ip, "PrivatePort": private or public, "PublicPort": public, "Type": protocol}


def endpoint(network: str, address: str = "", address6: str = "") -> dict[str, Any]:
    return {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None,
        "MacAddress": "02:42:ac:11:00:02",
        "DriverOpts": None,
        "NetworkID": network,
        "EndpointID": "88eaed7b37b38c2a",
        "Gateway": "172.17.0.1",
        "IPAddress": address,
        "IPPrefixLen": 16 if address else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": address6,
        "GlobalIPv6PrefixLen": 64 if address6 else 0,
        "DNSNames": None,
    }


def container(
    name: str,
    labels: Mapping[str, str] | None = None,
    ports: Sequence[Mapping[str, Any]] = (),
    networks: Mapping[str, Any] | None = None,
    mode: str = "bridge",
    created: int = 1_700_000_000,
) -> dict[str, Any]:
    """One item of `GET /containers/json`."""
    given = {"bridge": endpoint(BRIDGE, "172.17.0.2")} if networks is None else dict(networks)
    return {
        "Id": identity(name),
        "Names": [f"/{name}"],
        "Image": "nginx:1.27",
        "ImageID": "sha256:" + identity("nginx"),
        "Command": "/docker-entrypoint.sh nginx -g 'daemon off;'",
        "Created": created,
        "Ports": [{"PrivatePort": 9000, "Type": "tcp"}, *ports],
        "Labels": dict(labels or {}),
        "State": "running",
        "Status": "Up 2 minutes",
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Networks": given},
        "Mounts": [],
    }


def network(identity: str, name: str, driver: str, **options: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Id": identity,
        "Created": "2026-01-05T17:02:43.123456789Z",
        "Scope": "local",
        "Driver": driver,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "172.17.0.0/16"}]},
        "Internal": False,
        "Containers": {},
        "Options": options,
        "Labels": {},
    }


class FakeEngine:
    """Listens at ``url``; ``asked`` are the paths in order.

    With ``is_podman`` it lists containers as Podman 4 does: no HostConfig, and networks by their name.
    ``answers`` maps a path without its version to a body (or a status) that is sent instead of the right one;
    ``hold_s`` is how long each answer is held back.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.networks = [network(BRIDGE, "bridge", "bridge"), network(LAN_NET, "lan", "macvlan")]
        self.version: dict[str, Any] = dict(VERSION)
        self.answers: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        self.hold_s = 0.0
        self.is_podman = False
        self.listeners: list[queue.Queue[object]] = []
        self.sockets: set[socket.socket] = set()
        self.path = path
        self._open()

    def _open(self) -> None:
        engine = self

        class Handler(_Handler):
            fake = engine

        if self.path is not None:
            with suppress(FileNotFoundError):
                self.path.unlink()
            self.server: socketserver.BaseServer = _UnixServer(str(self.path), Handler)
            self.url = f"unix://{self.path}"
        else:
            server = _TcpServer(("127.0.0.1", 0), Handler)
            self.server = server
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The engine dies: its socket goes, and every connection."""
        self.server.shutdown()
        self.server.server_close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.end_streams()
        for one in list(self.sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def open_again(self) -> None:
        self._open()

    def run(self, name: str, labels: Mapping[str, str] | None = None, **more: Any) -> None:
        """Start a container."""
        shown = container(name, labels, created=1_700_000_000 + len(self.asked), **more)
        self.containers[name] = shown
        self.tell("start", name, shown["Labels"])

    def stop(self, name: str) -> None:
        shown = self.containers.pop(name)
        self.tell("die", name, shown["Labels"])

    def tell(self, action: str, name: str, labels: Mapping[str, str]) -> None:
        actor = {"ID": identity(name), "Attributes": {**labels, "image": "nginx:1.27", "name": name}}
        event = {"status": action, "id": identity(name), "from": "nginx:1.27", "Type": "container"}
        event |= {"Action": action, "Actor": actor, "scope": "local", "time": 1_700_000_000}
        self.say(json.dumps(event).encode() + b"\n")

    def say(self, octets: bytes) -> None:
        """Whatever octets on the stream of events."""
        for one in self.listeners:
            one.put(octets)

    def end_streams(self) -> None:
        for one in list(self.listeners):
            one.put(END)

    def answer(self, path: str) -> tuple[int, object]:
        match = re.fullmatch(r"(?:/v([0-9.]+))?(/.*)", path)
        assert match is not None
        if match[1] is not None and not self._knows(match[1]):
            message = f"client version {match[1]} is too new. Maximum supported API version is 1.47"
            return 400, {"message": message}
        match match[2]:
            case "/version":
                return 200, self.version
            case "/containers/json":
                newest_first = sorted(self.containers.values(), key=lambda one: -one["Created"])
                return 200, [_as_podman(one) if self.is_podman else one for one in newest_first]
            case "/networks":
                return 200, self.networks
        for one in self.containers.values():
            if match[2] == f"/containers/{one['Id']}/json":
                return 200, {"Id": one["Id"], "Name": one["Names"][0], "HostConfig": one["HostConfig"]}
        return 404, {"message": "page not found"}

    def _knows(self, version: str) -> bool:
        def number(text: str) -> tuple[int, ...]:
            return tuple(map(int, text.split(".")))

        oldest = self.version.get("MinAPIVersion", "1.12")
        return number(oldest) <= number(version) <= number(self.version["ApiVersion"])


def _as_podman(shown: Mapping[str, Any]) -> dict[str, Any]:
    names = {BRIDGE: "podman", LAN_NET: "lan"}
    networks = {
        name: {**of, "NetworkID": names.get(of["NetworkID"], name)}
        for name, of in shown["NetworkSettings"]["Networks"].items()
    }
    found = {key: value for key, value in shown.items() if key != "HostConfig"}
    ports = [one for one in shown["Ports"] if "PublicPort" in one]
    return found | {"Ports": ports, "NetworkSettings": {"Networks": networks or None}}


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeEngine

    def setup(self) -> None:
        super().setup()
        self.fake.sockets.add(self.connection)

    def finish(self) -> None:
        self.fake.sockets.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        fake, parts = self.fake, urlsplit(self.path)
        fake.asked.append(self.path)
        name = re.sub(r"^/v[0-9.]+", "", parts.path)
        if fake.hold_s:
            time.sleep(fake.hold_s)
        instead = fake.answers.get(name)
        if isinstance(instead, int):
            self._send(instead, json.dumps({"message": "403 Forbidden"}).encode())
        elif instead is not None:
            self._send(200, instead)
        elif name == "/events":
            self._events(parts.query)
        else:
            status, value = fake.answer(parts.path)
            self._send(status, json.dumps(value).encode() + b"\n")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Api-Version", "1.47")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _events(self, query: str) -> None:
        filters = json.loads(parse_qs(query)["filters"][0])
        assert all(isinstance(values, list) for values in filters.values())
        events: queue.Queue[object] = queue.Queue()
        self.fake.listeners.append(events)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        try:
            while (octets := events.get()) is not END:
                assert isinstance(octets, bytes)
                self.wfile.write(f"{len(octets):x}\r\n".encode() + octets + b"\r\n")
                self.wfile.flush()
        finally:
            self.fake.listeners.remove(events)
