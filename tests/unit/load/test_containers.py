"""What a configuration says of containers, and every way to say it wrongly."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from splitdns.load.containers import SOCKET, DockerSettings
from splitdns.names import from_text


def read(**given: object) -> DockerSettings:
    return DockerSettings.model_validate({"zone": "example.com", **given})


def wrong(**given: object) -> str:
    with pytest.raises(ValidationError) as raised:
        read(**given)
    (error,) = raised.value.errors()
    return error["msg"].removeprefix("Value error, ")


def test_a_zone_is_all_that_has_to_be_said() -> None:
    settings = read()

    assert (settings.engine, settings.zone) == (SOCKET, from_text("example.com."))
    assert (settings.domains, settings.inside, settings.proxy.inside) == ((), (), ())
    assert settings.mode == "overlay"


@pytest.mark.parametrize(
    "engine",
    [SOCKET, "unix:///run/user/1000/podman/podman.sock", "http://127.0.0.1:2375", "tcp://proxy:2375/"],
)
def test_an_engine_is_a_socket_or_a_proxy(engine: str) -> None:
    assert read(engine=engine).engine == engine


@pytest.mark.parametrize(
    "engine",
    [
        "/var/run/docker.sock",
        "unix://",
        "unix:///",
        "unix://host/var/run/docker.sock",
        "https://127.0.0.1:2376",
        "ssh://host",
        "http://",
        "http://user:word@127.0.0.1:2375",
        "http://127.0.0.1:2375/v1.41",
        "http://127.0.0.1:2375/?a",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://a b",
        "http://ä",
        "",
        7,
        None,
    ],
)
def test_what_is_no_engine_is_told(engine: object) -> None:
    assert wrong(engine=engine).startswith("expected an engine, like unix:///var/run/docker.sock or http://")


def test_a_host_has_one_address_of_each_family() -> None:
    both = ["192.168.1.10", "fd00::10"]
    assert [str(one) for one in read(inside=both).inside] == both
    two = ["192.168.1.10", "192.168.1.11"]
    for given in ({"inside": two}, {"proxy": {"inside": two}}):
        assert wrong(**given).startswith("expected one address of each family at most, found ")


def test_domains_are_in_the_zone() -> None:
    assert read(domains=["apps.example.com", "example.com"]).domains == (
        from_text("apps.example.com."),
        from_text("example.com."),
    )
    found = wrong(domains=["example.org"])
    assert found == "expected domains in example.com., found example.org."


def test_the_outside_is_not_told_where_the_lan_meets_a_container() -> None:
    assert read(horizon="lan").horizon == "lan"
    assert wrong(horizon="outside").startswith("expected a horizon of inside views, found 'outside'")


def test_a_proxy_exposes_ports_as_labels_do() -> None:
    settings = read(proxy={"expose": ["443/tcp", "80:8080/tcp"]})

    shown = [f"{public}={inside}" for public, inside in settings.proxy.expose]
    assert shown == ["443/tcp=443/tcp", "80/tcp=8080/tcp"]
    assert wrong(proxy={"expose": ["443"]}).startswith("expected a port such as 443/tcp")
