"""Each option that makes records, and what dnsmasq does not start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.dnsmasq import found_in


def entries(*lines: str) -> list[tuple[str, str, str]]:
    found = found_in(Printed("\n".join(lines), "d.conf"), Path())
    assert all(one.is_open for one in found.entries if one.rdtype != "CNAME")
    return [(one.name, one.rdtype, one.value) for one in found.entries]


@pytest.mark.parametrize(
    ("line", "rdtype", "value"),
    [
        ("host-record=a.example,192.0.2.1,60", "A", "192.0.2.1"),
        ("host-record=a.example,2001:db8::1", "AAAA", "2001:db8::1"),
        ("mx-host=a.example,m.example,5", "MX", "5 m.example."),
        ("txt-record=a.example,v=spf1 -all", "TXT", "v=spf1 -all"),
        ('txt-record=a.example,"a","b\\"c"', "TXT", '"a" "b\\"c"'),
        ("txt-record=a.example", "TXT", '""'),
        ("srv-host=a.example,t.example,80,1,2", "SRV", "1 2 80 t.example."),
        ("srv-host=a.example", "SRV", "0 0 0 ."),
        ("ptr-record=a.example,t.example", "PTR", "t.example."),
        ("caa-record=a.example,0,issue,ca.example", "CAA", '0 issue "ca.example"'),
        ("naptr-record=a.example,1,2,u,s,!x!,t.example", "NAPTR", '1 2 "u" "s" "!x!" t.example.'),
        ("dns-rr=a.example,65280,01:02", "TYPE65280", "\\# 2 0102"),
        ("dns-rr=a.example,65280", "TYPE65280", "\\# 0"),
    ],
)
def test_an_option_makes_a_record(line: str, rdtype: str, value: str) -> None:
    assert entries(line) == [("a.example", rdtype, value)]


def test_mail_goes_to_the_target_of_all() -> None:
    assert entries("mx-host=a.example,7", "mx-target=m.example") == [("a.example", "MX", "7 m.example.")]
    assert entries("mx-host=a.example") == []


def test_a_service_without_a_domain_is_in_that_of_all() -> None:
    assert entries("srv-host=_ldap._tcp,t.example", "domain=lan")[0][0] == "_ldap._tcp.lan"


def test_an_alias_of_a_known_name_counts() -> None:
    aliases = "cname=c.example,b.example", "cname=b.example,a.example,60"
    assert entries(*aliases, "host-record=a.example,10.0.0.1") == [
        ("a.example", "A", "10.0.0.1"),
        ("b.example", "CNAME", "a.example."),
        ("c.example", "CNAME", "b.example."),
    ]
    assert entries("cname=c.example,nobody.example") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("host-record=a.example", "expected names and addresses for host-record, found 'a.example'"),
        ("cname=a", "expected aliases and a target for cname, found 'a'"),
        ("srv-host=a.example,t,x", "expected a number of 16 bits for srv-host, found 'x'"),
        ("srv-host=", "expected a service's name for srv-host, found ''"),
        ("mx-host=a.example,m,70000", "expected a preference of 16 bits for mx-host, found '70000'"),
        ("ptr-record=a", "expected a name and its target for ptr-record, found 'a'"),
        ("caa-record=a,0", "expected a name, flags, a tag and a value for caa-record, found 'a,0'"),
        ("naptr-record=a,0", "expected six fields or seven for naptr-record, found 'a,0'"),
        ("dns-rr=a,0", "expected a type's number for dns-rr, found '0'"),
        ("dns-rr=a,16,x", "expected hexadecimal digits for dns-rr, found 'x'"),
        ("txt-record=,x", "expected a name for txt-record, found ',x'"),
        ("local-ttl=x", "expected seconds for local-ttl, found 'x'"),
    ],
)
def test_what_dnsmasq_refuses_is_a_mistake(line: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        found_in(Printed(f"no-hosts\n{line}", "d.conf"), Path())

    assert [str(one) for one in caught.value.exceptions] == [f"d.conf:2:1: {message}"]
