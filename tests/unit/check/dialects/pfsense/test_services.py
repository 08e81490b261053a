"""What the gateway serves, and the hosts that it leases to."""

from __future__ import annotations

from splitdns.check.sets import Numbers
from tests.check.pfsense.configs import config, device


def test_it_serves_what_is_switched_on() -> None:
    usual = device(config())
    assert usual.listens == {6: Numbers.of((80, 80), (443, 443)), 17: Numbers.one(123)}
    gui = "<webgui><port>8443</port><disablehttpredirect/></webgui>"
    system = f"{gui}<ssh><enable>enabled</enable></ssh>"
    one = "<openvpn-server><vpnid>1</vpnid><local_port>1195</local_port></openvpn-server>"
    server = f"<openvpn>{one}</openvpn>"
    more = device(config(system=system, more=f"<unbound><enable/></unbound>{server}"))
    assert more.listens == {
        6: Numbers.of((22, 22), (53, 53), (8443, 8443)),
        17: Numbers.of((53, 53), (123, 123), (1195, 1195)),
    }


def test_with_packages_it_may_serve_anything() -> None:
    text = config(more="<installedpackages><package><name>haproxy</name></package></installedpackages>")

    assert device(text).listens is None
    plugins = "<firmware><plugins>os-haproxy</plugins></firmware>"
    assert device(config(system=plugins, root="opnsense")).listens is None


def test_hosts_have_the_addresses_that_are_kept_for_them() -> None:
    lease = "<staticmap><ipaddr>192.168.1.20</ipaddr><hostname>web</hostname></staticmap>"
    anywhere = "<staticmap><mac>00:00:5e:00:53:02</mac><hostname>laptop</hostname></staticmap>"
    found = device(config(more=f"<dhcpd><lan>{lease}{anywhere}</lan></dhcpd>"))

    assert [(one.name, str(one.addresses[0].address), one.addresses[0].dynamic) for one in found.hosts] == [
        ("web", "192.168.1.20", False)
    ]


def test_two_hosts_of_one_name_are_two() -> None:
    one = "<staticmap><ipaddr>192.168.{}</ipaddr><hostname>printer</hostname></staticmap>"
    leases = f"<lan>{one.format('1.30')}</lan><opt1>{one.format('20.30')}</opt1>"

    names = [one.name for one in device(config(more=f"<dhcpd>{leases}</dhcpd>")).hosts]
    assert names == ["printer", "printer 192.168.20.30"]


def test_kea_keeps_them_elsewhere() -> None:
    one = "<reservation><hostname>web</hostname><ip_address>192.168.1.20</ip_address></reservation>"
    text = f"<OPNsense><Kea><dhcp4><reservations>{one}</reservations></dhcp4></Kea></OPNsense>"

    assert [one.name for one in device(config(more=text, root="opnsense")).hosts] == ["web"]
