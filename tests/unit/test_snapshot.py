"""A generation: everything that a query may read, and nothing that changes."""

import ipaddress
import pickle

from splitdns.names import from_text
from splitdns.snapshot import Manners, Snapshot
from splitdns.view import View
from splitdns.zone import Node, Zone, pack

LAN = ipaddress.ip_network("192.168.0.0/16")


def made() -> Snapshot:
    apex = from_text("example.org.")
    zone = Zone(apex, pack([Node(apex, apex)]))
    lan = View("lan", ("inside",), zones={apex: zone})
    rest = View("internet", ("outside",), zones={apex: zone})
    return Snapshot(7, (lan, rest), ((LAN, lan),), rest, Manners(version="x"))


def test_a_client_meets_its_view() -> None:
    snapshot = made()
    lan, rest = snapshot.match("192.168.1.1"), snapshot.match("203.0.113.1")
    assert lan is not None
    assert rest is not None
    assert (lan.view.name, lan.prefix) == ("lan", LAN)
    assert (rest.view.name, rest.prefix) == ("internet", None)


def test_a_view_is_found_by_its_name() -> None:
    view = made().view("lan")
    assert view is not None
    assert view.name == "lan"
    assert made().view("nowhere") is None


def test_a_snapshot_survives_the_way_to_a_worker() -> None:
    again = pickle.loads(pickle.dumps(made(), protocol=5))
    assert again.generation == 7
    assert again.manners == Manners(version="x")
    match = again.match("192.168.1.1")
    assert match is not None
    assert match.view is again.view("lan")
    zones = [view.zones[from_text("example.org.")] for view in again.views]
    assert zones[0] is zones[1]  # what two views share stays shared
