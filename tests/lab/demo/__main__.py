"""The demonstration. Exit status: 0 all was shown, 1 something was not, 2 it cannot be given here."""

from __future__ import annotations

import signal
import sys
import time
from typing import TextIO

from tests.lab import web
from tests.lab.demo.house import House, missing
from tests.lab.demo.telling import Holds, Story, says, says_nothing
from tests.lab.network import Host, Network, unavailable

_READY_S = 60.0  # for what was started
_ALERT_S = 30.0  # for its gateway's timer, the check, a scrape, an evaluation, and its `for`

_PAGE = "getent hosts www.example.com; curl -sS --max-time 2 http://www.example.com/"
_QUERY = "promtool query instant http://127.0.0.1:9090"
_FIRING = f"""{_QUERY} 'ALERTS{{alertstate="firing"}}'"""
_FORWARD = "nft -a list chain ip gateway prerouting | grep 'dport 80'"

# What each client is told, and as whom the web server sees it.
_HOME = "192.168.1.20", "192.168.1.100"
_VPN = "192.168.1.20", "10.8.0.2"
_OUTSIDE = "203.0.113.7", "203.0.113.100"

_DRAWING = """\
A house with a web server in it, made of network namespaces, and every program in it is a real one:

   laptop ─┐
   web ────┼─ 192.168.1.0/24 ─── gateway ─── the internet ─┬─ provider
   dns ────┘       at home     203.0.113.7                 ├─ visitor
                                                           └─ phone, with WireGuard to the gateway

splitdns runs on dns, and so does Prometheus."""


def main(out: TextIO, why_not: str | None) -> int:
    """Tell it; ``why_not``: why it cannot be given here."""
    if why_not is not None:
        print(f"demo: {why_not}", file=sys.stderr)
        return 2
    began_s = time.monotonic()
    with Network() as network:
        house = House(network)
        story = Story(out, house.run)
        story.say(_DRAWING)
        try:
            for step in (_start, _configure, _reach, _watch, _break, _mend):
                step(story, house)
        except AssertionError as error:
            story.say(f"\nThe demonstration broke off: {error}\n{house.ended()}")
            return 1
        status = story.end()
    story.say(f"\nIt took {time.monotonic() - began_s:.0f} s, and nothing of it is left on this machine.")
    return status


def _start(story: Story, house: House) -> None:
    story.step("The gateway has its rules; a web server, splitdns, Prometheus and DHCP are started.")
    story.does(house.gateway, "nft -f gateway.nft")
    _starts(story, house, house.gateway, "sh timer.sh")
    house.tunnel.open()
    web.serve(house.web, [80])
    _starts(story, house, house.dns, "splitdns serve -c splitdns.yaml")
    _starts(story, house, house.dns, "prometheus --config.file=prometheus.yaml --storage.tsdb.path=tsdb")
    _starts(story, house, house.gateway, "dnsmasq --no-daemon --conf-file=lan.dnsmasq")
    _starts(story, house, house.provider, "dnsmasq --no-daemon --conf-file=provider.dnsmasq")
    story.does(house.dns, "splitdns health -c splitdns.yaml", within_s=_READY_S)
    story.shows(
        "The gateway keeps what the zone promises",
        house.dns,
        "splitdns check -c splitdns.yaml | tail -n 1",
        _nothing_to_mend,
    )


def _configure(story: Story, house: House) -> None:
    story.step("Who comes asks for an address by DHCP, and is told a resolver with it.")
    for client, whose, resolver in (
        (house.laptop, "splitdns", "192.168.1.53"),
        (house.visitor, "the provider's", "203.0.113.1"),
        (house.phone, "the provider's", "203.0.113.1"),
    ):
        story.does(client, "udhcpc -n -q -T 1 -t 20 -A 1 -i eth0 -s ./lease.sh 2>&1 | grep lease")
        claim = f"The {client.name} is told by DHCP that its resolver is {whose}, and has it in resolv.conf"
        story.shows(claim, client, "cat /etc/resolv.conf", says(f"nameserver {resolver}"))
    story.say("   The phone also has a tunnel home, and asks at home while that is up:")
    story.does(house.phone, "ip -4 -brief address show wg0")
    story.does(house.phone, "echo nameserver 192.168.1.53 | tee /etc/resolv.conf")


def _reach(story: Story, house: House) -> None:
    story.step("The web server has one name. Whoever asks is told the address that works from there.")
    _reaches(story, house.laptop, "From the LAN, the page comes, past the gateway", _HOME)
    _reaches(story, house.phone, "Through the VPN, the page comes, and the server sees whose it is", _VPN)
    _reaches(story, house.visitor, "From the internet, the page comes, by the port forward", _OUTSIDE)


def _watch(story: Story, house: House) -> None:
    story.step("Prometheus scrapes, as deploy/prometheus has it; only that a minute is a second here.")
    story.shows(
        "Prometheus has the queries of all three views",
        house.dns,
        f"{_QUERY} 'sum by (view) (splitdns_dns_requests_total) > 0'",
        says('"lan"', '"vpn"', '"internet"'),
        within_s=_READY_S,
    )
    _alerts(story, house, "No alert fires", says_nothing)


def _break(story: Story, house: House) -> None:
    story.step("Somebody deletes the port forward.")
    handle = story.does(house.gateway, _FORWARD).rpartition(" ")[2]
    story.does(house.gateway, f"nft delete rule ip gateway prerouting handle {handle}")
    story.shows("From the internet, the page comes no more", house.visitor, _PAGE, says("timed out"))
    _reaches(story, house.laptop, "From the LAN, it still comes", _HOME)
    _reaches(story, house.phone, "Through the VPN, it still comes", _VPN)
    _alerts(story, house, "One alert fires, and names the service and what it lacks", _names_the_service)


def _mend(story: Story, house: House) -> None:
    story.step("splitdns knows the cure, in the gateway's own words. Somebody runs it there.")
    story.does(house.dns, "splitdns rules -c splitdns.yaml >cure.sh && cat cure.sh")
    story.does(house.gateway, "sh -eu cure.sh")
    _reaches(story, house.visitor, "From the internet, the page comes again", _OUTSIDE)
    _alerts(story, house, "The alert is over", says_nothing)


def _starts(story: Story, house: House, host: Host, line: str) -> None:
    story.command(host, f"{line} &")
    house.start(host, line)


def _reaches(story: Story, client: Host, claim: str, told_and_seen: tuple[str, str]) -> None:
    told, seen = told_and_seen
    story.shows(claim, client, _PAGE, says(f"{told} ", f"web sees {seen}"))


def _alerts(story: Story, house: House, claim: str, holds: Holds) -> None:
    story.shows(claim, house.dns, _FIRING, holds, within_s=_ALERT_S)


def _nothing_to_mend(printed: str) -> bool:
    return " rules: " in printed and not any(word in printed for word in ("critical", "error", "warning"))


def _names_the_service(printed: str) -> bool:
    named = says("SplitdnsExposure", 'code="FWD-MISSING"', 'subject="www.example.com. 80/tcp"')
    return named(printed) and printed.count("ALERTS{") == 1


def _why_not() -> str | None:
    if (reason := unavailable()) is not None:
        return f"{reason}: sudo ./dev demo"
    return f"not installed: {', '.join(missing())}" if missing() else None


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was built is taken down then, too
    try:
        sys.exit(main(sys.stdout, _why_not()))
    except KeyboardInterrupt:
        sys.exit(130)
