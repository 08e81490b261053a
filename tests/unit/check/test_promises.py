from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from splitdns.check.promises import names_without_service, services_of
from splitdns.check.sets import Address
from tests.check.world import SPLIT, loaded

ZONE = """\
zone: example.com
ns: [ns.example.net.]
records:
  www:
    A: {vpn: 10.8.0.20, inside: 192.168.1.20, outside: $wan4}
    AAAA: {inside: "fd00:1::20"}
    expose: [443/tcp, {public: 8443/tcp, inside: 443/tcp}]
  "*.apps": {A: {inside: 192.168.1.21, outside: $wan4}, expose: [443/tcp]}
  alias: {CNAME: www, expose: [80/tcp]}
  nas: {A: {inside: 192.168.1.30}}
  info: {TXT: "no address"}
"""
OWN = frozenset({ip_address("203.0.113.7"), ip_address("192.168.1.1")})


def is_behind(address: Address) -> bool:
    return address.is_private and address not in OWN


def test_a_service_knows_what_each_view_is_told_and_whom_it_should_reach(tmp_path: Path) -> None:
    found = loaded(tmp_path, zones={"example.com.yaml": ZONE})

    www, translated, apps, alias = services_of(found, is_behind, OWN)

    assert (str(www), str(translated)) == ("www.example.com. 443/tcp", "www.example.com. 8443/tcp")
    assert {view: [*map(str, told)] for view, told in www.answers.items()} == {
        "lan": ["192.168.1.20", "fd00:1::20"],
        "vpn": ["10.8.0.20", "fd00:1::20"],
        "internet": ["203.0.113.7"],
    }
    assert {*map(str, www.targets)} == {"192.168.1.20", "10.8.0.20", "fd00:1::20"}
    assert not www.on_gateway
    assert str(translated.exposed.inside) == "443/tcp"
    assert apps.name == "*.apps.example.com."
    assert {*map(str, apps.targets)} == {"192.168.1.21"}
    assert alias.answers == www.answers


def test_a_service_may_be_the_gateway_s_own(tmp_path: Path) -> None:
    zone = SPLIT.replace("192.168.1.20", "192.168.1.1")
    (service,) = services_of(loaded(tmp_path, zones={"example.com.yaml": zone}), is_behind, OWN)

    assert service.on_gateway
    assert service.targets == frozenset()


def test_names_that_expose_nothing_are_known_with_their_answers(tmp_path: Path) -> None:
    found = loaded(tmp_path, zones={"example.com.yaml": ZONE})

    (nas,) = names_without_service(found)

    assert nas.name == "nas.example.com."
    assert [*map(str, nas.answers["lan"])] == ["192.168.1.30"]
    assert nas.answers["internet"] == ()
