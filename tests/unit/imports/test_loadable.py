from __future__ import annotations

from splitdns.errors import Where
from splitdns.imports.entries import Found
from splitdns.imports.loadable import mend
from splitdns.imports.service import Rule, Service, ViewPlan

HERE = Where("x", 1, 1)


def test_what_the_loader_refuses_is_told_and_left_out() -> None:
    service = Service(["127.0.0.1:53", "127.0.0.1:53", "[::1]:53"], insecure=["a..b", "ok"])
    service.views["v"] = ViewPlan([], ("v",), allowed=[" x", "ok"])
    service.forward = [
        Rule("a", ("9.9.9.9",), HERE),
        Rule("A", ("9.9.9.10",), HERE),
        Rule("a", ("9.9.9.9",), HERE, ("v",)),
        Rule("a b", ("9.9.9.9",), HERE),
        Rule("c", ("127.0.0.1", "::1"), HERE),
        Rule("d", ("127.0.0.1", "127.0.0.1:54", "tls://9.9.9.9#{name"), HERE),
    ]
    found = Found()

    mend(service, found, HERE)

    assert [(rule.domain, rule.upstreams) for rule in service.forward] == [
        ("a", ("9.9.9.9",)), ("a", ("9.9.9.9",)), ("d", ("127.0.0.1:54",)),
    ]  # fmt: skip
    assert service.listen == ["127.0.0.1:53", "[::1]:53"]
    assert (service.insecure, service.views["v"].allowed) == (["ok"], ["ok"])
    assert [one.message.partition(",")[0] for one in found.left] == [
        "left out: there is a rule for A already",
        "left out: expected no blanks or control characters in a name",
        "left out: c was asked of this server itself",
        "left out: expected no '#'",
        "left out: expected no blanks or control characters in a name",
        "left out: expected a label",
    ]
