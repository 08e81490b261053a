"""The schema of YAML zones, judged by a small validator of the keywords that it uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from splitdns.load import marked, yamlzone
from splitdns.load.zoneschema import json_schema

SCHEMA = json_schema()
ZONES = sorted((Path(__file__).parents[3] / "zones").glob("*.yaml"))
PYTHON = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
KEYWORDS = {
    *("$schema", "$defs", "$ref", "title", "description", "default", "examples"),
    *("type", "enum", "pattern", "minimum", "maximum", "anyOf", "items", "minItems"),
    *("properties", "patternProperties", "additionalProperties", "required", "minProperties"),
}


def mistakes(value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    assert schema.keys() <= KEYWORDS
    if "$ref" in schema:
        yield from mistakes(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], path)
    if "anyOf" in schema and all(any(mistakes(value, one, path)) for one in schema["anyOf"]):
        yield f"{path}: none of {len(schema['anyOf'])} fits"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: not in the list"
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(isinstance(value, PYTHON[name]) for name in names) or (
            isinstance(value, bool) and "boolean" not in names
        ):
            yield f"{path}: not {names}"
            return
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{path}: pattern"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: range"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{path}: too short"
        for at, item in enumerate(value):
            yield from mistakes(item, schema.get("items", {}), f"{path}[{at}]")
    if isinstance(value, dict):
        yield from object_mistakes(value, schema, path)


def object_mistakes(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{path}: {key} is missing"
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: empty"
    for key, item in value.items():
        fitting = [one for at, one in schema.get("patternProperties", {}).items() if re.search(at, key)]
        if key in schema.get("properties", {}):
            fitting.append(schema["properties"][key])
        if not fitting:
            rest = schema.get("additionalProperties", {})
            if rest is False:
                yield f"{path}.{key}: unknown"
                continue
            fitting.append(rest)
        for one in fitting:
            yield from mistakes(item, one, f"{path}.{key}")


def found(text: str) -> list[str]:
    return [*mistakes(marked.read(text, "zone.yaml").data, SCHEMA)]


@pytest.mark.parametrize("path", ZONES, ids=lambda path: path.name)
def test_the_sample_zones_are_valid(path: Path) -> None:
    assert found(path.read_text()) == []


@pytest.mark.parametrize(
    "name",
    [
        "A: 192.0.2.1",
        "A: [192.0.2.1, 192.0.2.2]",
        "A: {inside: 192.168.1.1, outside: [$wan4, 192.0.2.2]}",
        "A: {inside: {value: 192.168.1.1, ttl: 5m, public: true}, ttl: 1h, value: 192.0.2.9}",
        "TYPE65280: '\\# 1 00'",
        "{A: 192.0.2.1, expose: [80/tcp, 1:2/udp, {public: 25565/tcp, inside: 25566/tcp}], ptr: false}",
        "{A: 192.0.2.1, inherit: TXT, ttl: 1h30m}",
    ],
)
def test_what_a_name_may_hold_is_valid(name: str) -> None:
    assert found(f"zone: example.org\nrecords:\n  www:\n    {name}\n") == []


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("records: {}", "zone is missing"),
        ("{zone: example.org, mode: overlaid}", ".mode: not in the list"),
        ("{zone: example.org, record: {}}", ".record: unknown"),
        ("{zone: example.org, records: {www: {a: 192.0.2.1}}}", ".records.www.a: unknown"),
        ("{zone: example.org, records: {www: {SOA: x}}}", ".records.www.SOA: unknown"),
        ("{zone: example.org, records: {www: {A: {}}}}", ".records.www.A"),
        ("{zone: example.org, records: {www: {expose: 80}}}", ".records.www.expose"),
        ("{zone: example.org, ttl: soon}", ".ttl: pattern"),
        ("{zone: example.org, soa: {serial: 0}}", ".soa.serial: range"),
        ("{zone: example.org, views: []}", ".views"),
    ],
)
def test_a_slip_is_caught(text: str, mistake: str) -> None:
    assert any(mistake in one for one in found(text))


def test_the_keys_are_those_that_the_reader_knows() -> None:
    assert SCHEMA["properties"].keys() == set(yamlzone._ZONE_KEYS)
    assert SCHEMA["properties"]["soa"]["properties"].keys() == set(yamlzone._SOA_KEYS)
    name = SCHEMA["$defs"]["name"]["properties"].keys()
    assert {key for key in name if key.islower()} == set(yamlzone._NAME_KEYS)
