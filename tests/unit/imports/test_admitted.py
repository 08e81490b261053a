from __future__ import annotations

from splitdns.errors import Where
from splitdns.imports.admitted import close
from splitdns.imports.entries import Found
from splitdns.imports.service import ViewPlan


def test_nobody_on_the_internet_recurses() -> None:
    views = {
        "lan": ViewPlan(["10.0.0.0/8", "any"], ("inside",)),
        "vpn": ViewPlan(["192.168.0.0/16"], ("vpn",)),
        "world": ViewPlan(["0.0.0.0/0"], ("outside",), recursion=False),
    }
    found = Found()

    close(views, found, Where("x", 1, 1))

    assert "any" not in views["lan"].clients
    assert views["lan"].clients.count("10.0.0.0/8") == 1
    assert "192.168.0.0/16" not in views["lan"].clients
    assert views["world"].clients == ["0.0.0.0/0"]
    assert [one.message for one in found.left] == [
        "everybody might recurse in view lan; here, private networks may"
    ]
