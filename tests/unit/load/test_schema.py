"""The JSON Schema describes what is accepted: a judge of its own reads the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.load import containers, gateway, marked, sections, settings, sources
from splitdns.load.schema import DRAFT, described, field_texts
from splitdns.load.sections import Section
from splitdns.load.settings import Settings, json_schema, read_settings

SCHEMA = json_schema()
JUDGE = jsonschema.Draft202012Validator(SCHEMA)
SAMPLE = Path(__file__).parents[3] / "splitdns.yaml"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DRAFT
    assert SCHEMA["title"] == "splitdns.yaml"


def test_every_setting_is_described() -> None:
    modules = (settings, sections, gateway, sources, containers)
    read = (Path(module.__file__).read_text() for module in modules)
    texts = {name: of for text in read for name, of in field_texts(text).items()}
    for section in (Settings, *Section.__subclasses__()):
        assert set(texts[section.__name__]) >= set(section.model_fields)
        properties = (SCHEMA if section is Settings else SCHEMA["$defs"][section.__name__])["properties"]
        for name in section.model_fields:
            assert properties[name]["description"] == texts[section.__name__][name]
            assert "\n" not in properties[name]["description"]


def test_descriptions_come_from_the_string_beneath_a_field(tmp_path: Path) -> None:
    source = tmp_path / "models.py"
    source.write_text('class Settings:\n    port: int\n    """Where\n    to listen."""\n\n    other: int\n')
    assert field_texts(source.read_text()) == {"Settings": {"port": "Where to listen."}}
    schema = described({"properties": {"port": {"title": "Port", "default": []}}}, str(source))
    assert schema["properties"]["port"] == {"description": "Where to listen."}


def test_the_sample_is_valid() -> None:
    JUDGE.validate(marked.read(SAMPLE.read_text(), "f").data)


def test_examples_and_defaults_are_valid_and_accepted() -> None:
    def walk(schema: Any) -> None:
        if isinstance(schema, list):
            for part in schema:
                walk(part)
        if isinstance(schema, dict):
            judge = jsonschema.Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})
            for value in [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]:
                judge.validate(value)
            for part in schema.values():
                walk(part)

    walk({key: value for key, value in SCHEMA.items() if key != "$schema"})
    written = {name: value["default"] for name, value in SCHEMA["properties"].items() if "default" in value}
    Settings.model_validate(written)


REFUSED = [
    "listn: []",
    "listen: []",
    "listen: 127.0.0.1:53",
    "listen: ['::1']",
    "listen: [localhost]",
    "workers: 0",
    "workers: many",
    "views: {}",
    "views: {a b: {clients: [any], horizon: [inside]}}",
    "views: {a: {clients: [any]}}",
    "views: {a: {clients: [], horizon: [inside]}}",
    "views: {a: {clients: [lan], horizon: [inside]}}",
    "views: {a: {clients: [any], horizon: [ttl]}}",
    "views: {a: {clients: [any], horizon: [inside], recursion: no}}",
    "zones: zones/",
    "wan: {ipv4: '2001:db8::1'}",
    "wan: {ipv6: 192.0.2.1.example}",
    "forward: [{domains: ['.']}]",
    "forward: [{domains: ['.'], upstreams: [dns]}]",
    "gateway: []",
    "admin: {listen: 9153}",
    "tcp: {connections: 0}",
    "tcp: {idle_timeout: soon}",
    "log: {format: xml}",
    "querylog: yes",
    "identity: {id: ''}",
    "identity: {version: 1}",
    "minimal_any: 1",
    "edns_payload: 511",
    "edns_payload: 4097",
    "edns_payload: '1232'",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_not_valid(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        read_settings(text, "f")
    assert not JUDGE.is_valid(marked.read(text, "f").data)


def choice(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def several(values: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=least, max_size=3)


ADDRESSES = choice("127.0.0.1:53", "[::1]:53", "0.0.0.0", "[::]:0", "[fe80::1%eth0]:53", "[::ffff:1.2.3.4]:9")
CLIENTS = choice("any", "10.0.0.0/8", "10.1.1.1", "fd00::/8", "::1", "::ffff:1.2.3.0/120", "1.2.3.4/32")
UPSTREAMS = choice("9.9.9.9", "9.9.9.9:53", "2620:fe::fe", "[2620:fe::fe]:53", "fe80::1%eth0", "::1")
DURATIONS = choice("10s", "5m", "1h30m", 60, "1h5s", "0h1s", 86_400)
IDENTITIES = choice(True, False, "x", "é" * 127)
VIEWS = st.fixed_dictionaries(
    {"clients": several(CLIENTS), "horizon": several(choice("inside", "vpn-2", "values"))},
    optional={"recursion": st.booleans(), "open_resolver": st.booleans()},
)
RULES = st.fixed_dictionaries(
    {"domains": several(choice(".", "a.example", "a\\.b.example")), "upstreams": several(UPSTREAMS)},
    optional={"views": choice(None, ["lan"])},
)
CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        "listen": several(ADDRESSES),
        "workers": choice("auto", 1, 1024),
        "views": st.dictionaries(choice("lan", "vpn_2", "0-"), VIEWS, min_size=1, max_size=2),
        "zones": several(choice("zones/", "é", "/a b/c.zone"), least=0),
        "wan": st.fixed_dictionaries(
            {}, optional={"ipv4": choice("192.0.2.1", None), "ipv6": choice("2001:db8::1", None)}
        ),
        "forward": several(RULES, least=0),
        "gateway": choice(None, {}, {"hosts": {"web": {"addresses": ["192.168.1.2/24"]}}}),
        "admin": st.fixed_dictionaries({}, optional={"listen": choice(None, "127.0.0.1:9153")}),
        "tcp": st.fixed_dictionaries(
            {}, optional={"connections": choice(1, 1_000_000), "idle_timeout": DURATIONS}
        ),
        "log": st.fixed_dictionaries({}, optional={"format": choice("text", "json")}),
        "querylog": st.booleans(),
        "querylog_file": st.fixed_dictionaries(
            {"path": st.just("q.log")}, optional={"keep": st.integers(0, 9), "every": st.just(0)}
        ),
        "identity": st.fixed_dictionaries({}, optional={"version": IDENTITIES, "id": IDENTITIES}),
        "edns_payload": choice(512, 4096),
    },
)


@given(CONFIGURATIONS)
def test_whatever_is_accepted_is_valid(data: dict[str, Any]) -> None:
    Settings.model_validate(data)
    JUDGE.validate(data)
