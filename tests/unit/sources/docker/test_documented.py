"""The page about containers does what it says: its containers, with its configuration, give its table."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pytest

from splitdns.answer.decide import decide
from splitdns.load import marked
from splitdns.load.load import Loaded, load
from splitdns.names import from_text
from splitdns.records import Rcode, Type
from splitdns.sources.docker.client import EngineError, connected
from splitdns.sources.docker.following import look
from splitdns.sources.keeper import Keeper
from splitdns.wire.message import Answer, Query
from tests import engine
from tests.meta.examples import Block, blocks
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "docker.md"
COMPOSE, PROXY = [block for block in blocks(PAGE) if block.title == "compose.yaml"]


def whole(title: str) -> Block:
    (block,) = [block for block in blocks(PAGE) if block.title == title]
    return block


def services(block: Block) -> Mapping[str, Any]:
    data = marked.read(block.text, "compose.yaml").data
    assert isinstance(data, dict)
    found = data["services"]
    assert isinstance(found, dict)
    return found


def shown(name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine would show of a service of Compose."""
    ports = []
    for written in service.get("ports", ()):
        *at, public, private = written.split(":")
        ports.append(engine.port(int(public), int(private), at[0] if at else "0.0.0.0"))
    networks = None
    if "networks" in service:
        networks = {"lan": engine.endpoint(engine.LAN_NET, service["networks"]["lan"]["ipv4_address"])}
    labels = {key: value.replace("$$", "$") for key, value in service["labels"].items()}
    return engine.container(name, labels, ports, networks, service.get("network_mode", "bridge"))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    directory = tmp_path_factory.mktemp("documented")
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(whole("zones/example.com.yaml").text)
    socket = directory / "docker.sock"
    text = whole("splitdns.yaml").text.replace("/var/run/docker.sock", str(socket))
    config = directory / "splitdns.yaml"
    config.write_text(text)
    with engine.FakeEngine(socket) as fake:
        fake.containers = {name: shown(name, of) for name, of in services(COMPOSE).items()}
        return load(config, generation=1, now_s=0, supplying=Keeper().supplying)


def told(loaded: Loaded, name: str, client: str) -> str:
    view = next(view for view in loaded.snapshot.views if view.name == client)
    qname = from_text(f"{name}.")
    answer = decide(Query(qname, qname, Type.A), view, loaded.snapshot.manners)
    assert isinstance(answer, Answer)
    if answer.rcode == Rcode.NXDOMAIN:
        return "no such name"
    return ", ".join(".".join(map(str, rdata)) for of in answer.answer for rdata in of.rdatas)


_ROW = re.compile(r"^\| ([\w.-]+\.example\.com) \| (.+?) \| (.+?) \| ?(.*?) ?\|$", re.MULTILINE)
ROWS = _ROW.findall(PAGE.read_text())


def test_the_table_names_every_container_s_names() -> None:
    text = COMPOSE.text
    assert len(ROWS) == 7
    assert all(name in text for name, *_ in ROWS if not name.startswith("blog-"))


@pytest.mark.parametrize(("name", "lan", "internet", "exposed"), ROWS)
def test_each_view_is_told_what_the_table_says(
    loaded: Loaded, name: str, lan: str, internet: str, exposed: str
) -> None:
    assert told(loaded, name, "lan") == lan
    assert told(loaded, name, "internet") == internet
    (supply,) = loaded.supplies
    ports = [
        str(one.public) if one.public == one.inside else f"{one.public} to {one.inside}"
        for one in supply.exposed.get(from_text(f"{name}."), ())
    ]
    assert ", ".join(ports) == exposed


def test_no_container_of_the_page_has_a_label_that_is_wrong(loaded: Loaded) -> None:
    assert loaded.supplies[0].refused == ()
    assert loaded.warnings == ()


def test_the_proxy_of_the_page_lets_through_what_is_asked() -> None:
    async def ask(url: str) -> None:
        async with connected(url) as one:
            await look(one)
            with pytest.raises(EngineError):
                await one.watch(fake.end_streams)

    (service,) = services(PROXY).values()
    allowed = {key for key, value in service["environment"].items() if value == 1}
    with engine.FakeEngine() as fake:
        asyncio.run(ask(fake.url))

    asked = {re.sub(r"^/(v[0-9.]+/)?", "", path) for path in fake.asked}
    assert {re.split("[/?]", path)[0].upper() for path in asked} == allowed
