from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.changes import Admit, AdmitReplies, Forward, Hairpin
from splitdns.check.mending.nftables import written
from splitdns.check.sets import numbers_of

WEB, WAN = ip_address("192.168.1.20"), ip_address("203.0.113.7")


def test_translations_stand_in_a_table_of_their_own_which_goes_as_a_whole() -> None:
    do, undo = written(
        [
            Forward(WAN, "tcp", (443, 443), WEB, (443, 443)),
            Forward(WAN, "tcp", (25565, 25565), WEB, (25566, 25566)),
            Forward(WAN, "udp", (8000, 8001), WEB, (9000, 9001)),
            Hairpin(numbers_of(ip_network("192.168.1.0/24")), 4, WEB, "tcp", (443, 443)),
        ]
    )

    assert do == [
        "nft add table ip splitdns",
        "nft add chain ip splitdns prerouting '{ type nat hook prerouting priority -101; }'",
        "nft add rule ip splitdns prerouting ip daddr 203.0.113.7 tcp dport 443 counter dnat to 192.168.1.20",
        "nft add rule ip splitdns prerouting ip daddr 203.0.113.7 tcp dport 25565 counter "
        "dnat to 192.168.1.20:25566",
        "nft add rule ip splitdns prerouting ip daddr 203.0.113.7 udp dport 8000-8001 counter "
        "dnat to 192.168.1.20 : udp dport map '{ 8000 : 9000, 8001 : 9001 }'",
        "nft add chain ip splitdns postrouting '{ type nat hook postrouting priority 99; }'",
        "nft add rule ip splitdns postrouting ip saddr 192.168.1.0-192.168.1.255 ip daddr 192.168.1.20 "
        "tcp dport 443 counter masquerade",
    ]
    assert undo == ["nft delete table ip splitdns"]


def test_an_acceptance_is_inserted_where_the_drop_is_and_found_again_by_its_comment() -> None:
    do, undo = written(
        [Admit("nft inet fw", "forward", WEB, "tcp", (443, 443)), AdmitReplies("nft inet fw", "forward", 4)]
    )

    comment = "comment '\"splitdns\"'"
    assert do == [
        f"nft insert rule inet fw forward ip daddr 192.168.1.20 tcp dport 443 counter accept {comment}",
        f"nft insert rule inet fw forward ct state established,related counter accept {comment}",
    ]
    assert len(undo) == 1
    assert "nft delete rule inet fw forward handle $handle" in undo[0]
