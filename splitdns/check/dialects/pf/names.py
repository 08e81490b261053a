"""Names of services, protocols and ICMP messages as numbers (services(5), protocols(5), icmp(4), icmp6(4)).

Those that gateways' rules use; a name that is not here is a mistake, and its number can be written instead.
"""

from __future__ import annotations

PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipencap": 4, "ip-encap": 4, "ipv4": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33,
    "ipv6": 41, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "mobile": 55, "icmp6": 58, "ipv6-icmp": 58,
    "eigrp": 88, "ospf": 89, "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "carp": 112, "vrrp": 112,
    "l2tp": 115, "sctp": 132, "udplite": 136, "mpls-in-ip": 137, "pfsync": 240,
}  # fmt: skip

SERVICES = {
    "echo": 7, "discard": 9, "daytime": 13, "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25,
    "time": 37, "whois": 43, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "finger": 79, "http": 80,
    "www": 80, "kerberos": 88, "kerberos-sec": 88, "pop3": 110, "sunrpc": 111, "portmap": 111, "auth": 113,
    "ident": 113, "nntp": 119, "ntp": 123, "epmap": 135, "msrpc": 135, "netbios-ns": 137, "netbios-dgm": 138,
    "netbios-ssn": 139, "imap": 143, "snmp": 161, "snmptrap": 162, "snmp-trap": 162, "bgp": 179, "irc": 194,
    "ldap": 389, "https": 443, "microsoft-ds": 445, "kpasswd": 464, "smtps": 465, "submissions": 465,
    "isakmp": 500, "ike": 500, "biff": 512, "login": 513, "shell": 514, "syslog": 514, "printer": 515,
    "route": 520, "rip": 520, "dhcpv6-client": 546, "dhcpv6-server": 547, "rtsp": 554, "submission": 587,
    "ipp": 631, "ldaps": 636, "ldp": 646, "domain-s": 853, "rsync": 873, "imaps": 993, "ircs": 994,
    "pop3s": 995, "socks": 1080, "openvpn": 1194, "ms-sql-s": 1433, "l2tp": 1701, "l2f": 1701, "pptp": 1723,
    "radius": 1812, "radacct": 1813, "ssdp": 1900, "nfsd": 2049, "nfs": 2049, "cvsup": 5999, "mysql": 3306,
    "rdp": 3389, "ms-wbt-server": 3389, "svn": 3690, "ipsec-nat-t": 4500, "ipsec-msft": 4500, "sip": 5060,
    "sips": 5061, "xmpp-client": 5222, "mdns": 5353, "multicastdns": 5353, "postgresql": 5432, "vnc": 5900,
    "x11": 6000, "redis": 6379, "ircd": 6667, "spamd": 8025, "spamd-cfg": 8026, "spamd-sync": 8025,
    "http-alt": 8080, "webcache": 8080, "git": 9418,
}  # fmt: skip

ICMP = {
    "echorep": 0, "unreach": 3, "squench": 4, "redir": 5, "althost": 6, "echoreq": 8, "routeradv": 9,
    "routersol": 10, "timex": 11, "paramprob": 12, "timereq": 13, "timerep": 14, "inforeq": 15,
    "inforep": 16, "maskreq": 17, "maskrep": 18, "trace": 30, "dataconv": 31, "mobredir": 32, "photuris": 40,
}  # fmt: skip
ICMP6 = {
    "unreach": 1, "toobig": 2, "timex": 3, "paramprob": 4, "echoreq": 128, "echorep": 129, "groupqry": 130,
    "listqry": 130, "grouprep": 131, "listenrep": 131, "groupterm": 132, "listendone": 132, "routersol": 133,
    "routeradv": 134, "neighbrsol": 135, "neighbradv": 136, "redir": 137, "routrrenum": 138, "wrureq": 139,
    "fqdnreq": 139, "niqry": 139, "wrurep": 140, "fqdnrep": 140, "nirep": 140, "mtraceresp": 200,
    "mtrace": 201,
}  # fmt: skip
