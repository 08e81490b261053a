"""A tunnel between two hosts that is a real one: WireGuard, in user space where the kernel has none."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.lab.network import Host

_PORT = 51_820
_READY_S = 60.0


@dataclass(frozen=True)
class Tunnel:
    """``endpoint``: the server's address outside of it. ``allowed``: what the client sends through it."""

    server: Host
    client: Host
    endpoint: str
    server_address: str
    client_address: str
    allowed: tuple[str, ...]
    interface: str = "wg0"

    def open(self) -> None:
        """Bring both ends up, with keys of their own."""
        keys = {host.name: self._key(host) for host in (self.server, self.client)}
        only = self.client_address.partition("/")[0] + "/32"
        for host in (self.server, self.client):
            host.start(*_apart(host), "wireguard-go", "-f", self.interface)
        for host, other, asked in (
            (self.server, self.client, ["allowed-ips", only]),
            (
                self.client,
                self.server,
                ["allowed-ips", ",".join(self.allowed), "endpoint", f"{self.endpoint}:{_PORT}"],
            ),
        ):
            self._wait(host)
            private = host.directory / f"{host.name}.key"
            private.write_text(keys[host.name][0])
            listening = ["listen-port", str(_PORT)] if host is self.server else []
            peer = ["peer", keys[other.name][1], *asked]
            options = [*listening, "private-key", str(private), *peer]
            host.run(*_apart(host), "wg", "set", self.interface, *options)
        self.server.address(self.interface, self.server_address)
        self.client.address(self.interface, self.client_address)
        near = self.client_address.rpartition(".")[0]
        routes = [f"route add {one} dev {self.interface}" for one in self.allowed if not one.startswith(near)]
        if routes:
            self.client.ip(*routes)

    def _key(self, host: Host) -> tuple[str, str]:
        """A private key, and the public one that belongs to it."""
        private = host.run("wg", "genkey").stdout
        return private, host.run("wg", "pubkey", text_in=private).stdout.strip()

    def _wait(self, host: Host) -> None:
        deadline_s = time.monotonic() + _READY_S
        while host.run(*_apart(host), "wg", "show", self.interface, check=False).returncode:
            assert time.monotonic() < deadline_s, f"{host.name}: no {self.interface}"
            time.sleep(0.02)


def _apart(host: Host) -> list[str]:
    """Before a command: with its own tunnels' sockets, which are files and so not of the namespace."""
    sockets = host.directory / f"{host.name}.wireguard"
    sockets.mkdir(exist_ok=True)
    script = 'mkdir -p /run/wireguard && mount --bind "$1" /run/wireguard && shift && exec "$@"'
    return ["unshare", "-m", "sh", "-c", script, "sh", str(sockets)]
