"""Containers as a source: what the loader is given, and what of it each view sees."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.load.containers import DockerSettings
from splitdns.load.join import join
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.sources.docker.container import containers_in, reachable_networks
from splitdns.sources.docker.following import Running
from splitdns.sources.docker.source import MAX_REFUSED, Docker
from splitdns.sources.source import Said, SourceError
from tests import engine
from tests.loading import INTERNET, LAN, VIEWERS, WAN, compiled, read_yaml, records

WWW = {"splitdns.name": "www.example.org", "splitdns.expose": "443/tcp"}


def source(families: frozenset[int] = frozenset({4}), **given: Any) -> Docker:
    defaults = {"zone": "example.org", "inside": ["192.168.1.10"]}
    return Docker.of(DockerSettings.model_validate(defaults | given), families)


def said(*listed: dict[str, Any], of: Docker | None = None) -> Said:
    networks = reachable_networks([engine.network(engine.LAN_NET, "lan", "macvlan")])
    return (of or source()).said(Running(tuple(containers_in(list(listed))), networks))


def seen(what: Said, view: str, file: str = "records: {}") -> dict[str, list[str]]:
    zone, problems = read_yaml(file)
    assert join([(zone, VIEWERS)], what.supplies, (), WAN) == []
    found = records(compiled(zone, problems).zones[view])
    return {name: lines for name, lines in found.items() if name != "@"}


def test_each_view_is_told_where_it_meets_a_container() -> None:
    what = said(engine.container("web", WWW, [engine.port(443)]))

    assert seen(what, LAN.name) == {"www": ["60 A 192.168.1.10"]}
    assert seen(what, INTERNET.name) == {"www": ["60 A 203.0.113.7"]}


def test_what_is_not_exposed_does_not_exist_outside() -> None:
    networks = {"lan": engine.endpoint(engine.LAN_NET, "192.168.1.50", "fd00::50")}
    labels = {"splitdns.name": "nas.example.org", "splitdns.ttl": "5m"}
    what = said(engine.container("nas", labels, networks=networks))

    assert seen(what, LAN.name) == {"nas": ["300 A 192.168.1.50", "300 AAAA fd00::50"]}
    assert seen(what, INTERNET.name) == {}


def test_addresses_that_labels_give_are_given_to_their_views() -> None:
    labels = WWW | {"splitdns.outside": "203.0.113.9, 2001:db8::9", "splitdns.inside": "192.168.1.77"}
    what = said(engine.container("web", labels))

    assert seen(what, LAN.name) == {"www": ["60 A 192.168.1.77"]}
    assert seen(what, INTERNET.name) == {"www": ["60 A 203.0.113.9", "60 AAAA 2001:db8::9"]}


def test_patterns_and_wildcards_of_a_proxy_are_the_zone_s() -> None:
    rule = r"HostRegexp(`^app[0-9]\.example\.org$`) || Host(`*.x.example.org`)"
    what = said(engine.container("app", {"traefik.http.routers.a.rule": rule}))

    zone, problems = read_yaml("records: {}")
    assert join([(zone, VIEWERS)], what.supplies, (), WAN) == []
    (regexp,) = compiled(zone, problems).zones[LAN.name].regexps
    assert regexp.pattern == "^app[0-9]$"
    assert seen(what, LAN.name)["*.x"] == ["60 A 192.168.1.10"]


def test_what_is_exposed_reaches_the_check_with_the_label_that_says_so() -> None:
    labels = WWW | {"splitdns.expose": "443/tcp, 80:8080/tcp"}
    what = said(engine.container("web", labels, [engine.port(443), engine.port(8080, 80)]))

    exposed = what.supplies[0].exposed[from_text("www.example.org.")]
    assert [(str(one.public), str(one.inside)) for one in exposed] == [
        ("443/tcp", "443/tcp"),
        ("80/tcp", "8080/tcp"),
    ]
    assert str(exposed[0].where) == "docker: container web, label splitdns.name"


def test_a_pattern_exposes_no_service_for_it_has_no_name() -> None:
    rule = r"HostRegexp(`^app[0-9]\.example\.org$`)"
    labels = {"traefik.http.routers.a.rule": rule, "splitdns.expose": "443/tcp"}
    (supply,) = said(engine.container("app", labels)).supplies

    assert len(supply.records) == 2
    assert supply.exposed == {}


def test_the_outside_may_be_told_the_network_s_own_addresses_of_both_families() -> None:
    labels = WWW | {"splitdns.outside": "$wan4, $wan6"}
    both = source(families=frozenset({4, 6}))
    (supply,) = said(engine.container("web", labels, [engine.port(443)]), of=both).supplies

    assert [one.rdtype for one in supply.records if one.wan] == [Type.A, Type.AAAA]


def test_the_source_says_what_it_refused() -> None:
    (supply,) = said(engine.container("web", WWW)).supplies

    assert supply.records == ()
    (caution,) = supply.refused
    assert str(caution.where) == "docker: container web, label splitdns.name"
    assert caution.message.startswith("expected a port published at the host")


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_mistakes_are_told_and_no_more(more: int) -> None:
    many = [engine.container(f"c{n}", WWW, created=n) for n in range(MAX_REFUSED - 1 + more)]
    last = engine.container("last", {"splitdns.name": "no"}, created=1000)
    (supply,) = said(*many, last).supplies

    assert len(supply.refused) == MAX_REFUSED
    assert ("container last" in str(supply.refused[-1].where)) is not bool(more)


def test_an_administrator_chose_the_names() -> None:
    (supply,) = said(of=source(mode="authoritative")).supplies

    assert supply.trusted
    assert not supply.overlay
    assert said().supplies[0].overlay
    assert supply.source == "docker /var/run/docker.sock"


def test_a_source_is_the_same_after_a_reload_of_the_same_settings() -> None:
    assert source() == source()
    assert len({source(), source(), source(families=frozenset()), source(horizon="vpn")}) == 3


def test_a_socket_is_looked_at_also_where_a_loop_runs(tmp_path: Path) -> None:
    with engine.FakeEngine(tmp_path / "docker.sock") as fake:
        fake.run("web", WWW, ports=[engine.port(443)])
        one = source(engine=fake.url)
        found = one.look(0.0)

        async def within() -> Said | None:
            return one.look(0.0)

        assert found == asyncio.run(within())
    assert found is not None
    assert len(found.supplies[0].records) == 2


def test_a_proxy_of_the_socket_on_this_machine_is_looked_at_too() -> None:
    with engine.FakeEngine() as fake:
        fake.run("web", WWW, ports=[engine.port(443)])

        found = source(engine=fake.url).look(0.0)

    assert found is not None
    assert len(found.supplies[0].records) == 2


def test_containers_of_podman_are_met_as_docker_s_are(tmp_path: Path) -> None:
    lan = {"lan": engine.endpoint(engine.LAN_NET, "192.168.1.50")}
    with engine.FakeEngine(tmp_path / "podman.sock") as fake:
        fake.is_podman = True
        fake.run("web", WWW, ports=[engine.port(443)])
        fake.run("home", {"splitdns.name": "home.example.org"}, networks={}, mode="host")
        fake.run("nas", {"splitdns.name": "nas.example.org"}, networks=lan, mode="lan")
        vpn = f"container:{engine.identity('web')}"
        fake.run("guest", {"splitdns.name": "guest.example.org"}, networks={}, mode=vpn)
        found = source(engine=fake.url).look(0.0)

    assert found is not None
    assert found.supplies[0].refused == ()
    assert seen(found, LAN.name) == {
        "www": ["60 A 192.168.1.10"],
        "home": ["60 A 192.168.1.10"],
        "nas": ["60 A 192.168.1.50"],
        "guest": ["60 A 192.168.1.10"],
    }


def test_what_is_on_another_machine_is_not_looked_at() -> None:
    assert source(engine="http://192.0.2.1:2375").look(0.0) is None
    assert source(engine="tcp://127.example.com:2375").look(0.0) is None


def test_its_zone_is_known_before_a_container_is() -> None:
    (supply,) = source(horizon="home", mode="authoritative").unheard
    assert (supply.apex, supply.records) == (from_text("example.org."), ())
    assert (supply.awaited, supply.overlay, supply.trusted) == ({"home", "outside"}, False, True)


def test_a_socket_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        source(engine=f"unix://{tmp_path}/docker.sock").look(0.0)


def test_what_runs_is_told_and_why_it_cannot_be(tmp_path: Path) -> None:
    async def run() -> tuple[list[int], str]:
        told: asyncio.Queue[Said] = asyncio.Queue()
        failed: asyncio.Queue[str] = asyncio.Queue()
        task = asyncio.create_task(one.follow(None, told.put_nowait, failed.put_nowait))
        async with asyncio.timeout(60):
            counts = [len((await told.get()).supplies[0].records)]
            fake.run("db", {"splitdns.name": "db.example.org"}, ports=[engine.port(5432)])
            while len(counts) < 2 or counts[-1] == counts[0]:
                counts.append(len((await told.get()).supplies[0].records))
            fake.close()
            why = await failed.get()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return counts, why

    with engine.FakeEngine(tmp_path / "docker.sock") as fake:
        fake.run("web", WWW, ports=[engine.port(443)])
        one = source(engine=fake.url)
        counts, why = asyncio.run(run())

    assert (counts[0], counts[-1]) == (2, 3)
    assert why


_LABELS = st.sampled_from(
    [
        *(f"splitdns.{one}" for one in ("name", "expose", "inside", "outside", "ttl", "enable", "other")),
        "traefik.http.routers.a.rule",
        "traefik.enable",
        "caddy",
    ]
)
_VALUES = st.one_of(
    st.text(st.characters(), max_size=40),
    st.lists(
        st.sampled_from(
            ["www", ".", "example", "org", "443", "/tcp", ":", "-", ",", "$wan4", "192.168.1.1", "::1",
             "Host", "Regexp", "(", ")", "`", "||", "!", "{", "}", "\\", "$", "^", "*", "[", "]", " ",
             "none", "5m"]
        ),
        max_size=14,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(labels=st.dictionaries(_LABELS, _VALUES), ports=st.lists(st.integers(1, 65_535), max_size=3))
def test_whatever_labels_say_the_answer_is_names_or_mistakes(
    labels: dict[str, str], ports: list[int]
) -> None:
    shown = engine.container("web", labels, [engine.port(one) for one in ports])

    what = said(json.loads(json.dumps(shown)))

    zone, problems = read_yaml("records: {}")
    join([(zone, VIEWERS)], what.supplies, (), WAN)
    compiled(zone, problems)
    for caution in what.supplies[0].refused:
        str(caution).encode()  # no halves of characters
