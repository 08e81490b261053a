"""The manifests are valid where they say so, and keep what docs/kubernetes.md says of them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from splitdns.load.load import load
from tests.install.compose import service
from tests.install.image import Image
from tests.install.kustomize import build, containers
from tests.meta.tree import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
VARIANTS = ["base", "monitoring", "restricted"]
VERSIONS = ["1.29", "1.37"]  # the oldest that the page names, and the newest that the validator knows

# The part of the Prometheus Operator's resource that is used: its schema comes with the operator, and with no
# package of a registry. https://prometheus-operator.dev/docs/api-reference/api/
SERVICE_MONITOR = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "ServiceMonitor"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["selector", "endpoints"],
            "properties": {
                "jobLabel": {"type": "string"},
                "selector": {"type": "object", "required": ["matchLabels"]},
                "endpoints": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "port": {"type": "string"},
                            "path": {"type": "string"},
                            "interval": {"type": "string", "pattern": "^[0-9]+s$"},
                            "relabelings": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "properties": {
                                        "sourceLabels": {"type": "array", "items": {"type": "string"}},
                                        "targetLabel": {"type": "string"},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def one(variant: str, kind: str, name: str = "splitdns") -> Any:
    (found,) = (
        resource
        for resource in build(KUBERNETES / variant)
        if (resource["kind"], resource["metadata"]["name"]) == (kind, name)
    )
    return found


def pod(variant: str) -> Any:
    return one(variant, "DaemonSet")["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_resource_is_valid(variant: str, version: str) -> None:
    kinds = []
    for resource in build(KUBERNETES / variant):
        kinds.append(resource["kind"])
        if resource["kind"] == "ServiceMonitor":
            jsonschema.validate(resource, SERVICE_MONITOR)
        else:
            kubernetes_validate.validate(resource, version, strict=True)
    expected = {"Namespace", "ConfigMap", "DaemonSet", "Service", "PodDisruptionBudget"}
    assert set(kinds) == expected | ({"ServiceMonitor"} if variant == "monitoring" else set())


def test_a_field_that_is_none_would_be_seen() -> None:
    wrong = one("base", "DaemonSet")
    wrong["spec"]["template"]["spec"]["hostNetworks"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.long
@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("variant", VARIANTS)
def test_kubectl_makes_the_same_of_it(variant: str) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", KUBERNETES / variant], capture_output=True, text=True, check=True
    )

    def key(resource: dict[str, Any]) -> str:
        return f"{resource['kind']} {resource['metadata']['name']}"

    theirs = {key(resource): resource for resource in yaml.safe_load_all(done.stdout)}
    assert {key(resource): resource for resource in build(KUBERNETES / variant)} == theirs


def test_it_starts_as_the_compose_file_has_it_start() -> None:
    (container,) = containers(one("base", "DaemonSet"))
    compose = service(ROOT / "deploy" / "compose.yaml")
    image = Image(Path(), entrypoint=["splitdns"], command=["serve"])
    assert [*container["command"], *container["args"]] == compose.argv(image)
    assert container["securityContext"] == {
        "runAsUser": 0,
        "runAsGroup": 0,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": list(compose.confinement(image).cap_add)},
    }


def test_where_port_53_is_everybody_s_there_is_no_root_and_no_capability() -> None:
    (container,) = containers(one("restricted", "DaemonSet"))
    assert (container["command"], container["args"]) == (["splitdns"], ["serve"])
    assert container["securityContext"] == {
        "runAsUser": 10053,
        "runAsGroup": 10053,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod("restricted")["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_it_is_on_the_nodes_network_and_knows_nothing_of_the_cluster() -> None:
    told = pod("base")
    assert told["hostNetwork"] is True
    assert told["automountServiceAccountToken"] is told["enableServiceLinks"] is False
    assert [volume["name"] for volume in told["volumes"]] == ["config", "zones", "run"]
    assert not any("subPath" in mount for mount in told["containers"][0]["volumeMounts"])


def test_the_probes_ask_for_what_there_is() -> None:
    (container,) = pod("base")["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    paths = {
        kind: (container[kind]["httpGet"]["path"], ports[container[kind]["httpGet"]["port"]])
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": ("/health", 9153),
        "livenessProbe": ("/health", 9153),
        "readinessProbe": ("/ready", 9153),
    }


def test_the_monitor_finds_the_service_and_its_port_and_names_the_job() -> None:
    monitor, found = one("monitoring", "ServiceMonitor"), one("monitoring", "Service")
    labels = found["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in [port["name"] for port in found["spec"]["ports"]]
    assert labels[monitor["spec"]["jobLabel"]] == "splitdns"


def test_selectors_meet_the_pods() -> None:
    labels = one("base", "DaemonSet")["spec"]["template"]["metadata"]["labels"]
    assert one("base", "Service")["spec"]["selector"].items() <= labels.items()
    assert one("base", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    # The only form that works for a DaemonSet, whose controller has no scale: a whole number.
    assert one("base", "PodDisruptionBudget")["spec"]["minAvailable"] == 1


def test_the_configuration_loads_where_the_pod_has_it(tmp_path: Path) -> None:
    zones = tmp_path / "zones"
    zones.mkdir()
    mounts = {mount["name"]: mount["mountPath"] for mount in pod("base")["containers"][0]["volumeMounts"]}
    text = one("base", "ConfigMap")["data"]["splitdns.yaml"]
    assert f"zones: [{mounts['zones']}/]" in text
    (tmp_path / "splitdns.yaml").write_text(text.replace(mounts["zones"], str(zones)))
    for name, zone in one("base", "ConfigMap", "splitdns-zones")["data"].items():
        (zones / name).write_text(zone)

    loaded = load(tmp_path / "splitdns.yaml", previous=None, generation=1, now_s=1_700_000_000.0, strict=True)

    assert [str(warning) for warning in loaded.warnings] == []
    (container,) = pod("base")["containers"]
    ports = {(port["containerPort"], port["protocol"]) for port in container["ports"]}
    listened = {(listen.port, protocol) for listen in loaded.settings.listen for protocol in ("UDP", "TCP")}
    assert loaded.settings.admin.listen is not None
    assert ports == listened | {(loaded.settings.admin.listen.port, "TCP")}
