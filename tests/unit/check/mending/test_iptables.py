from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.changes import Admit, AdmitReplies, Forward, Hairpin
from splitdns.check.mending.iptables import written
from splitdns.check.sets import numbers_of

WEB, WAN = ip_address("192.168.1.20"), ip_address("203.0.113.7")


def test_each_change_is_inserted_first_and_undone_by_its_own_words() -> None:
    do, undo = written(
        [
            Forward(WAN, "tcp", (443, 443), WEB, (443, 443)),
            Hairpin(numbers_of(ip_network("192.168.1.0/24")), 4, WEB, "tcp", (443, 443)),
            Admit("iptables filter", "FORWARD", WEB, "udp", (8000, 8009)),
            AdmitReplies("iptables filter", "FORWARD", 4),
        ]
    )

    mark = "-m comment --comment splitdns"
    assert do == [
        f"iptables -t nat -I PREROUTING -d 203.0.113.7 -p tcp --dport 443 {mark} "
        "-j DNAT --to-destination 192.168.1.20",
        f"iptables -t nat -I POSTROUTING -s 192.168.1.0/24 -d 192.168.1.20 -p tcp --dport 443 {mark} "
        "-j MASQUERADE",
        f"iptables -t filter -I FORWARD -d 192.168.1.20 -p udp --dport 8000:8009 {mark} -j ACCEPT",
        f"iptables -t filter -I FORWARD -m conntrack --ctstate RELATED,ESTABLISHED {mark} -j ACCEPT",
    ]
    assert undo == [line.replace(" -I ", " -D ") for line in reversed(do)]


def test_translated_ports_and_ipv6_have_their_own_forms() -> None:
    six = ip_address("2001:db8::20")
    (one, many, v6, plain), _ = written(
        [
            Forward(WAN, "tcp", (25565, 25565), WEB, (25566, 25566)),
            Forward(WAN, "tcp", (8000, 8009), WEB, (9000, 9009)),
            Forward(ip_address("2001:db8:ffff::7"), "tcp", (80, 80), six, (8080, 8080)),
            Forward(ip_address("2001:db8:ffff::7"), "tcp", (80, 80), six, (80, 80)),
        ]
    )

    assert one.endswith("--to-destination 192.168.1.20:25566")
    assert many.endswith("--to-destination 192.168.1.20:9000-9009/8000")
    assert v6.startswith("ip6tables ")
    assert v6.endswith("--to-destination [2001:db8::20]:8080")
    assert plain.endswith("--to-destination 2001:db8::20")
