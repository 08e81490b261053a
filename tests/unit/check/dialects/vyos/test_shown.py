from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.shown import is_shown, read
from tests.check.gateways import own

SHOWN = """\
Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down
Interface    IP Address                        S/L  Description
---------    ----------                        ---  -----------
eth0         -                                 u/u  WAN
eth1         192.168.1.1/24                    u/u  LAN
             2001:db8::1/64
eth1.10@eth1 10.1.0.1/24                       u/u
pppoe0       203.0.113.7/32                    u/u
"""


def test_addresses_are_told_by_interface() -> None:
    assert read(SHOWN, "f") == {
        "eth1": [own("192.168.1.1/24", True), own("2001:db8::1/64", True)],
        "eth1.10": [own("10.1.0.1/24", True)],
        "pppoe0": [own("203.0.113.7/32", True)],
    }


def test_it_is_told_from_a_configuration() -> None:
    assert is_shown(SHOWN)
    assert not is_shown("set interfaces ethernet eth0 address dhcp\n")


def test_what_is_no_address_is_a_mistake() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read(SHOWN.replace("192.168.1.1/24", "192.168.1.1/99"), "f")

    assert "f:5:14" in str(caught.value.exceptions[0])
