"""What lines of iptables mean: words, and the conditions or the action that they make.

The same table is read from text, and from the tools after they have loaded it.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Direction,
    Drop,
    IcmpTypes,
    Interfaces,
    Mark,
    Masquerade,
    Netmap,
    Of,
    Original,
    Pass,
    Ports,
    Protocols,
    Redirect,
    Reject,
    Return,
    ReversePath,
    SetMark,
    Side,
    State,
    States,
    TcpFlags,
    Translate,
    Translated,
    Untrack,
)  # fmt: skip
from splitdns.check.sets import ADDRESSES4, PORTS, PROTOCOLS, Numbers, numbers_of

FROM, TO = Side.SOURCE, Side.DESTINATION
TCP = Protocols(Numbers.one(6))
NEW, ESTABLISHED, RELATED = State.NEW, State.ESTABLISHED, State.RELATED
NEVER = AnyOf(())
TRACKED = States(frozenset({NEW, ESTABLISHED, RELATED}))
STRAY = States(frozenset({State.INVALID, State.UNTRACKED}))
HOST = numbers_of(ip_address("192.0.2.1"))
NETWORK = numbers_of(ip_network("192.0.2.0/24"))
RANGE = numbers_of(ip_network("192.0.2.8/29"))
SERVER = numbers_of(ip_address("10.0.0.5"))
SERVERS = Numbers.of((int(ip_address("10.0.0.5")), int(ip_address("10.0.0.9"))))


def only(*ports: int) -> Numbers:
    return Numbers.of(*((port, port) for port in ports))


def but(*ports: int) -> Numbers:
    return PORTS - only(*ports)


def port(*ports: int) -> Numbers:
    return Numbers.of((ports[0], ports[-1]))


# What every rule may have.
BASICS: list[tuple[str, list[Condition]]] = [
    ("", []),
    ("-s 192.0.2.1/32", [Addresses(FROM, HOST)]),
    ("-d 192.0.2.1", [Addresses(TO, HOST)]),
    ("! -d 192.0.2.0/24", [Addresses(TO, ADDRESSES4 - NETWORK)]),
    ("-s 192.0.2.77/255.255.255.0", [Addresses(FROM, NETWORK)]),
    ("--source 192.0.2.0/24", [Addresses(FROM, NETWORK)]),
    ("-s 192.0.2.1,192.0.2.3", [Addresses(FROM, HOST | HOST.shifted(2))]),
    ("-s 0.0.0.0/0", []),
    ("-s any/0", []),
    ("! -s 0.0.0.0/0", [Addresses(FROM, Numbers())]),
    ("-p tcp", [Protocols(Numbers.one(6))]),
    ("-p 47", [Protocols(Numbers.one(47))]),
    ("-p all", []),
    ("-p 0", []),
    ("! -p udp", [Protocols(PROTOCOLS - Numbers.one(17))]),
    ("-p ipv6-icmp", [Protocols(Numbers.one(58))]),
    ("-i eth0", [Interfaces(FROM, frozenset({"eth0"}))]),
    ("! -o br-1a2b", [Interfaces(TO, frozenset({"br-1a2b"}), negated=True)]),
    ("-o ppp+", [Interfaces(TO, frozenset({"ppp*"}))]),
    ("-i +", []),
    ("! -i +", [NEVER]),
    ("-f", [NEVER]),
    ("! -f", []),
    ("-c 1 2", []),
    ("-4", []),
]

# What stands after -m.
MATCHES: list[tuple[str, list[Condition]]] = [
    # ports
    ("-p tcp -m tcp --dport 443", [TCP, Ports(TO, only(443))]),
    ("-p tcp -m tcp ! --dport 443", [TCP, Ports(TO, but(443))]),
    ("-p tcp --dport ! 443", [TCP, Ports(TO, but(443))]),
    ("-p tcp --dport https", [TCP, Ports(TO, only(443))]),
    ("-p tcp -m tcp --sport 1024:65535", [TCP, Ports(FROM, Numbers.of((1024, 65535)))]),
    ("-p tcp -m tcp --dport :1023", [TCP, Ports(TO, Numbers.of((0, 1023)))]),
    ("-p tcp -m tcp --dport 6000:", [TCP, Ports(TO, Numbers.of((6000, 65535)))]),
    ("-p tcp -m tcp --dport 60000:29", [TCP, Ports(TO, Numbers())]),
    (
        "-p udp -m udp --sport 53 --dport 53",
        [Protocols(only(17)), Ports(FROM, only(53)), Ports(TO, only(53))],
    ),
    ("-p sctp -m sctp --dport 5060", [Protocols(only(132)), Ports(TO, only(5060))]),
    (
        "-p tcp -m multiport --dports 22,80,8000:8010",
        [TCP, Ports(TO, Numbers.of((22, 22), (80, 80), (8000, 8010)))],
    ),
    ("-p tcp -m multiport ! --dports 22,80", [TCP, Ports(TO, but(22, 80))]),
    ("-p tcp -m multiport --sports 22,80", [TCP, Ports(FROM, only(22, 80))]),
    (
        "-p tcp -m multiport ! --ports 22",
        [TCP, AnyOf(((Ports(FROM, only(22)),), (Ports(TO, only(22)),)), negated=True)],
    ),
    # flags: the packet that opens a connection
    ("-p tcp --syn", [TCP, TcpFlags(0x17, 0x02)]),
    ("-p tcp -m tcp ! --syn", [TCP, TcpFlags(0x17, 0x02, negated=True)]),
    ("-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN", [TCP, TcpFlags(0x17, 0x02, negated=True)]),
    ("-p tcp -m tcp --tcp-flags ALL NONE", [TCP, TcpFlags(63, 0)]),
    # ICMP
    ("-p icmp -m icmp --icmp-type 8", [Protocols(only(1)), IcmpTypes(only(8))]),
    ("-p icmp -m icmp --icmp-type echo-request", [Protocols(only(1)), IcmpTypes(only(8))]),
    ("-p icmp -m icmp --icmp-type 8/0", [Protocols(only(1)), IcmpTypes(only(8))]),
    ("-p icmp -m icmp ! --icmp-type 8", [Protocols(only(1)), IcmpTypes(Numbers.of((0, 7), (9, 255)))]),
    ("-p icmp -m icmp --icmp-type any", [Protocols(only(1)), IcmpTypes(Numbers.of((0, 255)))]),
    # addresses
    ("-m iprange --src-range 192.0.2.8-192.0.2.15", [Addresses(FROM, RANGE)]),
    ("-m iprange ! --dst-range 192.0.2.8-192.0.2.15", [Addresses(TO, ADDRESSES4 - RANGE)]),
    ("-m addrtype --dst-type LOCAL", [AddressTypes(TO, frozenset({"local"}))]),
    ("-m addrtype ! --src-type LOCAL", [AddressTypes(FROM, frozenset({"local"}), negated=True)]),
    (
        "-m addrtype --dst-type LOCAL,BROADCAST --limit-iface-in",
        [AddressTypes(TO, frozenset({"local", "broadcast"}), interface=True)],
    ),
    ("-m pkttype --pkt-type multicast", [AddressTypes(TO, frozenset({"multicast"}))]),
    (
        "-m pkttype --pkt-type unicast",
        [AddressTypes(TO, frozenset({"broadcast", "multicast"}), negated=True)],
    ),
    ("-m rpfilter", [ReversePath()]),
    ("-m rpfilter --loose --validmark --invert", [ReversePath(expected=False, loose=True, marked=True)]),
    # connections
    ("-m state --state NEW", [States(frozenset({NEW}))]),
    ("-m conntrack --ctstate RELATED,ESTABLISHED", [States(frozenset({RELATED, ESTABLISHED}))]),
    ("-m conntrack ! --ctstate NEW", [States(frozenset(State) - {NEW})]),
    ("-m conntrack --ctstate DNAT", [AnyOf(((Translated(TO),),))]),
    (
        "-m conntrack ! --ctstate RELATED,SNAT",
        [AnyOf(((States(frozenset({RELATED})),), (Translated(FROM),)), negated=True)],
    ),
    ("-m conntrack --ctproto 6", [TCP, TRACKED]),
    ("-m conntrack --ctorigdst 192.0.2.8/29", [Original(TO, addresses=RANGE), TRACKED]),
    ("-m conntrack ! --ctorigsrc 192.0.2.8/29", [Original(FROM, addresses=ADDRESSES4 - RANGE), TRACKED]),
    ("-m conntrack --ctorigdstport 80", [Original(TO, ports=only(80)), TRACKED]),
    ("-m conntrack --ctorigsrcport 67:68", [Original(FROM, ports=only(67, 68)), TRACKED]),
    ("-m conntrack --ctdir REPLY", [Direction(reply=True), TRACKED]),
    ("-m conntrack ! --ctdir REPLY", [Direction(reply=False), TRACKED]),
    ("-m conntrack --ctstatus SEEN_REPLY", [States(frozenset({ESTABLISHED})), TRACKED]),
    (
        "-m conntrack --ctstate NEW --ctorigdstport 80",
        [States(frozenset({NEW})), Original(TO, ports=only(80))],
    ),
    (
        "-m conntrack --ctstate INVALID,NEW --ctproto 6",
        [
            AnyOf(
                (
                    (States(frozenset({State.INVALID, NEW})), STRAY),
                    (States(frozenset({State.INVALID, NEW})), TRACKED, TCP),
                )
            )
        ],
    ),
    # marks
    ("-m mark --mark 0x10", [Mark(Of.PACKET, only(16))]),
    ("-m mark --mark 0x10/0xff", [Mark(Of.PACKET, only(16), 255)]),
    ("-m connmark ! --mark 1", [Mark(Of.CONNECTION, Numbers.of((0, 0), (2, 0xFFFFFFFF))), TRACKED]),
    ("-m mark --mark 0x100/0xff", [Mark(Of.PACKET, Numbers(), 255)]),
    # what holds for every packet
    ('-m comment --comment "-j DROP"', []),
    ("-m nfacct --nfacct-name web", []),
]

# What stands after -j: the table, the words, the action.
TARGETS: list[tuple[str, str, Action]] = [
    ("filter", "-j ACCEPT", Accept()),
    ("filter", "-j DROP", Drop()),
    ("filter", "-j RETURN", Return()),
    ("filter", "-j REJECT", Reject()),
    ("filter", "-j REJECT --reject-with icmp-port-unreachable", Reject()),
    ("filter", "-p tcp -j REJECT --reject-with tcp-reset", Reject(reset=True)),
    ("nat", "-j DNAT --to-destination 10.0.0.5", Translate(TO, SERVER)),
    ("nat", "-p tcp -j DNAT --to-destination 10.0.0.5:8443", Translate(TO, SERVER, port(8443))),
    ("nat", "-j DNAT --to-destination 10.0.0.5-10.0.0.9 --persistent", Translate(TO, SERVERS)),
    ("nat", "-p tcp -j DNAT --to-destination :8080", Translate(TO, None, port(8080))),
    (
        "nat",
        "-p tcp -m tcp --dport 5000:5010 -j DNAT --to-destination 10.0.0.5:8000-8010/5000",
        Translate(TO, SERVER, port(8000, 8010), base=5000),
    ),
    # a port in the range stays; another becomes its first
    (
        "nat",
        "-p tcp -m tcp --dport 8001:8002 -j DNAT --to-destination 10.0.0.5:8000-8010",
        Translate(TO, SERVER),
    ),
    (
        "nat",
        "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8000-8010",
        Translate(TO, SERVER, port(8000)),
    ),
    (
        "nat",
        "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.5:8000-8010 --random",
        Translate(TO, SERVER, port(8000, 8010)),
    ),
    ("nat", "-j SNAT --to-source 10.0.0.5-10.0.0.9", Translate(FROM, SERVERS)),
    ("nat", "-p tcp -j SNAT --to-source 10.0.0.5:1024-2047", Translate(FROM, SERVER, port(1024, 2047))),
    ("nat", "-j MASQUERADE", Masquerade()),
    ("nat", "-p udp -j MASQUERADE --to-ports 1024-2047 --random", Masquerade(port(1024, 2047))),
    ("nat", "-j REDIRECT", Redirect()),
    ("nat", "-p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128", Redirect(port(3128))),
    ("nat", "-j NETMAP --to 10.0.0.0/24", Netmap(TO, ip_network("10.0.0.0/24"))),
    ("mangle", "-j MARK --set-xmark 0x1/0xff", SetMark(Of.PACKET, 1, 0xFF)),
    ("mangle", "-j MARK --set-mark 0x1/0xf0", SetMark(Of.PACKET, 1, 0xF1)),
    ("mangle", "-j MARK --and-mark 0xff", SetMark(Of.PACKET, 0, 0xFFFFFF00)),
    ("mangle", "-j MARK --or-mark 0x10", SetMark(Of.PACKET, 0x10, 0x10)),
    ("mangle", "-j MARK --xor-mark 0x10", SetMark(Of.PACKET, 0x10, 0)),
    ("mangle", "-j CONNMARK --set-xmark 0x1/0xffffffff", SetMark(Of.CONNECTION, 1)),
    (
        "mangle",
        "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff",
        SetMark(Of.CONNECTION, mask=0xFF, copy_from=Of.PACKET),
    ),
    (
        "mangle",
        "-j CONNMARK --restore-mark --mask 0xff",
        SetMark(Of.PACKET, mask=0xFF, copy_from=Of.CONNECTION),
    ),
    ("mangle", "-j CONNMARK --restore-mark", SetMark(Of.PACKET, copy_from=Of.CONNECTION)),
    ("raw", "-j NOTRACK", Untrack()),
    ("raw", "-j CT --notrack", Untrack()),
    ("raw", "-j CT --helper ftp", Pass()),
]
