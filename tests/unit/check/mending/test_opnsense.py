"""Changes as steps in OPNsense's web interface: pfSense's, under its own menus."""

from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.changes import Admit, Forward
from splitdns.check.mending.opnsense import written

WEB = ip_address("192.168.1.20")


def test_a_filter_rule_is_quick_by_its_own_words() -> None:
    do, _ = written([Admit("opnsense filter", "wan", WEB, "tcp", (443, 443))])

    assert "<direction>in</direction><quick>1</quick>" in do[-1]
    assert "(System › Configuration › Backups)" in do[2]


def test_reflection_is_called_enable() -> None:
    do, _ = written([Forward(ip_address("203.0.113.7"), "tcp", (443, 443), WEB, (443, 443))])

    assert "NAT reflection: Enable;" in do[0]
