"""The shipped ConfigMaps, brought into the pod as the kubelet does, are served, and so are their changes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tests.daemon.server import PATIENCE_S, Server, Site
from tests.install.kustomize import build
from tests.meta.tree import ROOT


class Volume:
    """A volume of a ConfigMap: links to ``..data``, which is a link to the directory of one version.

    A change is a new directory, the link renamed over the old one, and the old directory removed
    (k8s.io/kubernetes/pkg/volume/util/atomic_writer.go).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = 0
        path.mkdir()

    def publish(self, data: dict[str, str]) -> None:
        self._version += 1
        former = self.path / f"..version_{self._version - 1}"
        version = self.path / f"..version_{self._version}"
        version.mkdir()
        for name, text in data.items():
            (version / name).write_text(text)
        (self.path / "..data_tmp").symlink_to(version.name)
        (self.path / "..data_tmp").rename(self.path / "..data")
        for name in data:
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        if former.exists():
            shutil.rmtree(former)


class Mounted(Site):
    """A configuration that is there already."""

    def __init__(self, path: Path, config: Path) -> None:
        self.path = path
        self.config = config


def until_told(server: Server, address: str | None, source: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        answer = server.ask("www.example.com", source=source).answer
        if [str(rdata) for rrset in answer for rdata in rrset] == ([] if address is None else [address]):
            return
        assert time.monotonic() < until, server.text
        time.sleep(0.05)


def test_configuration_and_zones_change_without_a_restart(tmp_path: Path) -> None:
    maps = {
        resource["metadata"]["name"]: resource["data"]
        for resource in build(ROOT / "deploy" / "kubernetes" / "base")
        if resource["kind"] == "ConfigMap"
    }
    config, zones = Volume(tmp_path / "config"), Volume(tmp_path / "zones")
    text = maps["splitdns"]["splitdns.yaml"]
    text = text.replace("/etc/splitdns-zones/", f"{zones.path}/").replace("0.0.0.0:9153", "127.0.0.1:0")
    text = text.replace('["0.0.0.0:53", "[::]:53"]', '["127.0.0.1:0"]') + "log: {format: json}\n"
    config.publish({"splitdns.yaml": text})
    zones.publish(maps["splitdns-zones"])

    with Server(Mounted(tmp_path, config.path / "splitdns.yaml")) as server:
        until_told(server, "192.168.10.20", "127.0.0.1")

        zone = maps["splitdns-zones"]["example.com.yaml"]
        zones.publish({"example.com.yaml": zone.replace("192.168.10.20", "192.168.10.21")})
        until_told(server, "192.168.10.21", "127.0.0.1")

        config.publish({"splitdns.yaml": text.replace("127.0.0.0/8", "127.0.0.1/32")})
        until_told(server, None, "127.0.0.2")  # outside now
        until_told(server, "192.168.10.21", "127.0.0.1")

        config.publish({"splitdns.yaml": text + "workres: 3\n"})
        server.wait_for("reload.failed")
        until_told(server, "192.168.10.21", "127.0.0.1")
