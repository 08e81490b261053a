from __future__ import annotations

import logging

import pytest

from splitdns.metrics import SOURCE_LOST, Counts
from splitdns.serve.lost import MIN_QUERIES, REMEDY, Lookout, suspect

GATEWAYS = frozenset({"172.17.0.1", "192.168.1.1"})
MANY = MIN_QUERIES


@pytest.mark.parametrize(
    ("hosts", "queries", "views", "found"),
    [
        (["172.17.0.1"], MANY, 2, "172.17.0.1"),
        (["::ffff:172.17.0.1"], MANY, 2, "172.17.0.1"),
        (["172.17.0.1", "::ffff:172.17.0.1"], MANY, 3, "172.17.0.1"),
        (["172.17.0.1"], MANY - 1, 2, None),  # perhaps only the gateway itself asked now and then
        (["172.17.0.1"], MANY, 1, None),  # one view: nothing is lost
        (["192.168.1.50"], MANY, 2, None),  # a client alone on its network
        (["127.0.0.1"], MANY, 2, None),  # the machine itself
        (["127.0.0.1", "172.17.0.1"], MANY, 2, None),  # who knows who asked so much
        (["192.168.1.50", "192.168.1.1"], MANY, 2, None),
        ([], MANY, 2, None),
    ],
)
def test_only_a_gateway_alone_is_suspect(
    hosts: list[str], queries: int, views: int, found: str | None
) -> None:
    assert suspect(hosts, queries, GATEWAYS, views) == found


def test_it_is_told_once_until_it_is_well_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    counts = Counts()
    lookout = Lookout(counts)
    asked = 0
    for hosts, queries, lost in (
        (["172.17.0.1"], MANY, 1),
        (["172.17.0.1"], MANY, 1),
        (["192.168.1.50"], 3, 1),  # too little to change one's mind
        (["172.17.0.1", "192.168.1.50"], MANY, 0),
        (["172.17.0.1"], MANY, 1),
    ):
        asked += queries
        lookout.look(hosts, asked, GATEWAYS, 2)
        assert counts.value(SOURCE_LOST) == lost
    told = [(record.__dict__["client"], record.__dict__["remedy"]) for record in caplog.records]
    assert told == [("172.17.0.1", REMEDY)] * 2
