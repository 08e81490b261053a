"""A cluster's objects as values."""

from __future__ import annotations

from splitdns.check.dialects.kubernetes.values import NODE_PORTS, PROTOCOLS, Cluster


def test_a_cluster_begins_empty_each_time() -> None:
    one = Cluster()
    one.endpoints[("default", "web")] = []
    assert Cluster().endpoints == {}


def test_ports_of_nodes_are_those_of_the_api_server_s_range() -> None:
    assert NODE_PORTS.size == 2_768
    assert sorted(PROTOCOLS) == ["SCTP", "TCP", "UDP"]
