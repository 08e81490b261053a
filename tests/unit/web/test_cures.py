from __future__ import annotations

from splitdns.web.cures import Cure, Cures, mended
from tests.unit.cli import gateway
from tests.unit.web.browser import FakeServer


def test_what_a_rule_mends_is_given_with_the_way_back(server: FakeServer) -> None:
    (server.base / "rules.v4").write_text(gateway.RULES.replace("192.168.10.20:443", "192.168.10.99:443"))

    found = mended(server.loaded, server.base)

    cure = found.of("www.example.com. 443/tcp")
    assert cure is not None
    assert cure.left == ""
    assert any("192.168.10.20" in command for command in cure.commands)
    assert cure.back
    assert found.dialect == "nftables"


def test_what_no_rule_mends_says_why(server: FakeServer) -> None:
    cure = mended(server.loaded, server.base).of("old.example.com. 444/tcp")

    assert cure is not None
    assert cure.commands == ()
    assert "do not say where the service is" in cure.left
    assert Cures().of("old.example.com. 444/tcp") is None
    assert Cures("nftables", (Cure("x", ("Y",)),)).of("x") == Cure("x", ("Y",))
