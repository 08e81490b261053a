"""The Compose files keep what docs/container.md says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from splitdns.load.load import load
from tests.install.compose import service, whole
from tests.install.image import Image
from tests.meta.examples import blocks
from tests.meta.tree import ROOT

DEPLOY = ROOT / "deploy"
HOST, BRIDGE = DEPLOY / "compose.yaml", DEPLOY / "compose.bridge.yaml"
IMAGE = Image(Path(), user="10053:10053", entrypoint=["splitdns"], command=["serve"])
# What setpriv needs for its work; it keeps none of them.
TO_DROP = {"SETUID", "SETGID", "SETPCAP"}


def services() -> list[tuple[Path, str, dict[str, Any]]]:
    return [(file, *item) for file in (HOST, BRIDGE) for item in whole(file)["services"].items()]


@pytest.mark.parametrize(
    ("file", "name", "said"), services(), ids=[f"{file.name}-{name}" for file, name, _ in services()]
)
def test_every_service_has_the_least_privilege(file: Path, name: str, said: dict[str, Any]) -> None:
    assert said["cap_drop"] == ["ALL"]
    assert said["read_only"] is True
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert set(said.get("cap_add", ())) <= {"NET_BIND_SERVICE"} | TO_DROP
    assert "privileged" not in said
    assert said["restart"] == "unless-stopped"
    assert ":" in said["image"], "a tag"


@pytest.mark.parametrize("file", [HOST, BRIDGE], ids=lambda file: file.name)
def test_the_engine_signals_the_server_itself(file: Path) -> None:
    """An init of root's, without CAP_KILL, could not pass SIGTERM on: every stop would be a kill."""
    assert "init" not in service(file).said
    assert service(file).said["stop_grace_period"] == "10s"


def test_on_the_host_s_network_the_server_is_user_10053_with_one_capability() -> None:
    run = service(HOST)
    *setpriv, dashes, program, command = run.argv(IMAGE)
    assert run.said["network_mode"] == "host"
    assert (dashes, program, command) == ("--", "splitdns", "serve")
    kept = "-all,+net_bind_service"
    assert setpriv == [
        "setpriv",
        *("--reuid=10053", "--regid=10053", "--clear-groups"),
        *(f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}"),
        "--no-new-privs",
    ]
    assert set(run.confinement(IMAGE).cap_add) == {"NET_BIND_SERVICE"} | TO_DROP


def test_behind_a_bridge_there_is_no_root_and_no_capability() -> None:
    run = service(BRIDGE)
    confinement = run.confinement(IMAGE)
    assert (confinement.user, confinement.cap_add) == ("10053:10053", ())
    assert run.sysctls == {"net.ipv4.ip_unprivileged_port_start": "53"}
    assert run.argv(IMAGE) == ["splitdns", "serve"]
    assert run.said["ports"] == ["<SPLITDNS_ADDRESS>:53:53/udp", "<SPLITDNS_ADDRESS>:53:53/tcp"]


@pytest.mark.parametrize("file", [HOST, BRIDGE], ids=lambda file: file.name)
def test_the_directory_is_mounted_for_reading_and_has_to_be_there(file: Path) -> None:
    (mount,) = service(file).said["volumes"]
    assert mount == {
        "type": "bind",
        "source": "/etc/splitdns",
        "target": "/etc/splitdns",
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def test_what_watches_listens_on_the_loopback_only() -> None:
    told = whole(HOST)["services"]
    assert "--web.listen-address=127.0.0.1:9090" in told["prometheus"]["command"]
    assert told["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert all(told[name]["profiles"] == ["monitoring"] for name in ("prometheus", "grafana"))


def test_what_the_files_mount_is_there_and_where_the_mounted_files_look_for_it() -> None:
    told = whole(HOST)["services"]
    mounts: dict[str, dict[str, Path]] = {"prometheus": {}, "grafana": {}}
    for name, found in mounts.items():
        for volume in told[name]["volumes"]:
            source, target, *_ = volume.split(":")
            if source.startswith("."):
                found[target] = DEPLOY / source
    (prometheus,) = mounts["prometheus"].values()
    assert f"--config.file=/etc/prometheus/{prometheus.name}.yaml" in told["prometheus"]["command"]
    scraped = yaml.safe_load((prometheus / "prometheus.yaml").read_text())
    assert all((prometheus / file).is_file() for file in scraped["rule_files"])
    assert scraped["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:9153"]

    provisioning = mounts["grafana"]["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources" / "splitdns.yaml").read_text())["datasources"]
    told_url = told["grafana"]["environment"]["PROMETHEUS_URL"]
    assert source["url"] == "${PROMETHEUS_URL}"
    assert f"--web.listen-address={told_url.removeprefix('http://')}" in told["prometheus"]["command"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "splitdns.yaml").read_text())["providers"]
    assert [*mounts["grafana"][provider["options"]["path"]].glob("*.json")]


def test_the_page_s_own_file_fits_over_the_shipped_one() -> None:
    page = blocks(ROOT / "docs" / "container.md")
    (example,) = (block for block in page if block.title == "compose.override.yaml")
    services = yaml.safe_load(example.text)["services"]
    assert services.keys() == {"splitdns"}
    assert services["splitdns"].keys() == {"volumes"}
    for volume in services["splitdns"]["volumes"]:
        source, target, *mode = volume.split(":")
        assert source == target
        assert mode == ([] if "/log/" in source else ["ro"])


@pytest.mark.parametrize("page", ["container.md", "docker.md"])
def test_a_container_on_the_host_itself_is_inside(page: str, tmp_path: Path) -> None:
    example = next(block for block in blocks(ROOT / "docs" / page) if block.title == "splitdns.yaml")
    (tmp_path / "splitdns.yaml").write_text(example.text)
    (tmp_path / "zones").mkdir()
    config = tmp_path / "splitdns.yaml"
    loaded = load(config, previous=None, generation=1, now_s=1_700_000_000.0, strict=True)
    for bridge in ("172.17.0.2", "172.18.0.5", "172.31.255.254"):
        met = loaded.snapshot.match(bridge)
        assert met is not None
        assert met.view.name == "lan"


def test_the_configuration_in_the_image_loads_without_a_warning() -> None:
    config = DEPLOY / "image" / "splitdns.yaml"
    loaded = load(config, previous=None, generation=1, now_s=1_700_000_000.0, strict=True)
    assert [str(warning) for warning in loaded.warnings] == []
    assert [str(listen) for listen in loaded.settings.listen] == ["0.0.0.0:53", "[::]:53"]
