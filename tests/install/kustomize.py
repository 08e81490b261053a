"""What ``kubectl apply -k`` would send: the part of kustomize that deploy/kubernetes uses.

A field of a kustomization that is not known here is an error. The long tests hold it against kubectl itself.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]
KNOWN = {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "generatorOptions"}
KNOWN |= {"images", "patches"}


def build(directory: Path) -> list[Resource]:
    """The resources of the kustomization in ``directory``.

    Raises:
        ValueError: a field, or a manner of using it, that is not known here.
    """
    told = yaml.safe_load((directory / "kustomization.yaml").read_text())
    if unknown := told.keys() - KNOWN:
        raise ValueError(f"{directory}: {unknown} is not known here")
    found: list[Resource] = []
    for name in told["resources"]:
        path = directory / name
        found += build(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    for generated in told.get("configMapGenerator", ()):
        if told.get("generatorOptions") != {"disableNameSuffixHash": True}:
            raise ValueError("names with a hash are not known here")
        data = {Path(file).name: (directory / file).read_text() for file in generated["files"]}
        meta = {"name": generated["name"]}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    for resource in found:
        if resource["kind"] != "Namespace":
            resource["metadata"]["namespace"] = told["namespace"]
        for image in told.get("images", ()):
            _rename(resource, image)
    for patch in told.get("patches", ()):
        for resource in found:
            named = {"kind": resource["kind"], "name": resource["metadata"]["name"]}
            if named == patch["target"]:
                _apply(resource, yaml.safe_load(patch["patch"]))
    return found


def containers(resource: Resource) -> list[dict[str, Any]]:
    """Of a resource with pods; none of another."""
    return resource.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])


def _rename(resource: Resource, image: dict[str, str]) -> None:
    for container in containers(resource):
        if container["image"] == image["name"]:
            container["image"] = f"{image['newName']}:{image['newTag']}"


def _apply(resource: Resource, operations: list[dict[str, Any]]) -> None:
    """RFC 6902, in place."""
    for operation in operations:
        *way, last = operation["path"].lstrip("/").split("/")
        place: Any = resource
        for key in way:
            place = place[int(key) if isinstance(place, list) else key]
        match operation["op"]:
            case "remove":
                del place[last]
            case "replace" if last in place:
                place[last] = copy.deepcopy(operation["value"])
            case "add" if last not in place:
                place[last] = copy.deepcopy(operation["value"])
            case other:
                raise ValueError(f"{other} {operation['path']} is not possible")
