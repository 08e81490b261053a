from __future__ import annotations

from splitdns.load.load import load
from splitdns.names import wire_from_text
from splitdns.web.way import Packet, Way, Wrong, way_of
from tests.unit.cli.gateway import ONLY_443
from tests.unit.web.browser import FakeServer

OLD = wire_from_text("old.example.com.")
WWW = wire_from_text("www.example.com.")


def gone(server: FakeServer, owner: bytes, client: str, port: str = "443/tcp") -> Way:
    found = way_of(server.loaded, server.base, owner, client, port)
    assert isinstance(found, Way)
    return found


def test_each_stage_has_its_rule_and_what_it_rewrote(server: FakeServer) -> None:
    (arrival,) = gone(server, WWW, "198.51.100.7").arrivals

    assert (arrival.address, arrival.verdict, arrival.tone) == ("203.0.113.7", "ok-dnat", "good")
    (end,) = arrival.ends
    prerouting = end.stages[1]
    assert (prerouting.place, prerouting.side) == ("prerouting", "gateway")
    assert prerouting.packet == Packet("198.51.100.7", "192.168.10.20:443", new_destination=True)
    assert prerouting.acts[0].what == "dnat to 192.168.10.20 port 443"
    assert "rules.v4:6:1: -A PREROUTING" in prerouting.acts[0].rule
    reply = next(stage for stage in end.stages if stage.place == "reply")
    assert reply.packet == Packet("192.168.10.20:443", "198.51.100.7")  # turned round, not rewritten
    assert [stage.place for stage in end.stages][-1] == "client again"
    assert end.conntrack.startswith("tcp src=198.51.100.7 dst=203.0.113.7")


def test_a_reply_past_the_gateway_is_in_the_picture(server: FakeServer) -> None:
    (arrival,) = gone(server, OLD, "192.168.10.9").arrivals
    picture = arrival.ends[0].picture

    assert (arrival.verdict, arrival.tone) == ("asym-reply", "bad")
    assert (picture.through, picture.reached, picture.back, picture.works) == (True, True, "direct", False)
    there, on, back, _ = picture.legs
    assert there == Packet("192.168.10.9", "203.0.113.7:443")
    assert on is not None
    assert on.destination == "192.168.10.20:443"
    assert back is not None
    assert back.source == "192.168.10.20:443"


def test_who_is_told_the_inside_address_goes_past_the_gateway(server: FakeServer) -> None:
    (arrival,) = gone(server, WWW, "192.168.10.9").arrivals

    assert arrival.verdict == "ok-direct"
    assert not arrival.ends[0].picture.through
    assert arrival.ends[0].picture.back == "direct"


def test_an_icmp_message_has_no_ports(server: FakeServer) -> None:
    config = server.base / "splitdns.yaml"
    config.write_text(config.read_text() + ONLY_443)
    server.loaded = load(config, generation=2, now_s=0.0)

    (arrival,) = gone(server, WWW, "192.168.10.9", "25565/udp").arrivals
    reply = next(stage for stage in arrival.ends[0].stages if stage.place == "reply")

    assert reply.packet == Packet("192.168.10.20", "192.168.10.9")
    assert reply.says.startswith("ICMP port unreachable")


def test_a_packet_that_reaches_nobody_ends_at_the_gateway(server: FakeServer) -> None:
    (arrival,) = gone(server, OLD, "198.51.100.7", "444/tcp").arrivals

    assert not arrival.ends[0].picture.reached or arrival.tone == "bad"


def test_without_a_way_it_says_why(server: FakeServer) -> None:
    nobody = way_of(server.loaded, server.base, WWW, "172.16.0.9", "443/tcp")
    wrong = way_of(server.loaded, server.base, WWW, "192.168.10.9", "0/tcp")
    (server.base / "rules.v4").unlink()
    unread = way_of(server.loaded, server.base, WWW, "192.168.10.9", "443/tcp")

    assert isinstance(nobody, str)
    assert "172.16.0.9 is the address of no client" in nobody
    assert wrong == Wrong("port", "expected ports from 1 to 65535, the lower one first, found '0/tcp'")
    assert isinstance(unread, str)
    assert "cannot read" in unread
