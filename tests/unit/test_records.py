"""RRsets with packed rdata."""

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

from splitdns.names import from_text
from splitdns.records import RRset, soa_minimum_s, soa_serial, target, type_from_text, type_to_text


def wire(rdtype: str, text: str) -> tuple[int, bytes]:
    number = dns.rdatatype.from_text(rdtype)
    rdata = dns.rdata.from_text(dns.rdataclass.IN, number, text)
    return int(number), rdata.to_wire()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("rdtype", "text"),
    [
        ("NS", "host.example."),
        ("CNAME", "host.example."),
        ("PTR", "host.example."),
        ("DNAME", "host.example."),
        ("MX", "10 host.example."),
        ("AFSDB", "1 host.example."),
        ("KX", "1 host.example."),
        ("SRV", "1 2 443 host.example."),
        ("HTTPS", "1 host.example. alpn=h2"),
        ("SVCB", "1 host.example."),
        ("NAPTR", '1 2 "u" "sip" "!^.*$!a!" host.example.'),
        ("SOA", "host.example. h. 1 2 3 4 5"),
    ],
)
def test_the_target_is_found_in_rdata(rdtype: str, text: str) -> None:
    assert target(*wire(rdtype, text)) == from_text("host.example.")


@pytest.mark.parametrize(("rdtype", "text"), [("A", "192.0.2.1"), ("TXT", '"x"'), ("CAA", '0 issue "x"')])
def test_other_types_name_no_host(rdtype: str, text: str) -> None:
    assert target(*wire(rdtype, text)) is None


def test_soa_fields_are_read_from_the_end__rfc1035_3_3_13() -> None:
    rdtype, rdata = wire("SOA", "a.example. b.example. 2026112101 3600 900 604800 60")
    soa = RRset(from_text("example."), rdtype, 3600, (rdata,))
    assert soa_serial(soa) == 2026112101
    assert soa_minimum_s(soa) == 60


@pytest.mark.parametrize("number", [1, 65, 257, 65280])
def test_type_names_go_both_ways__rfc3597_5(number: int) -> None:
    assert type_from_text(type_to_text(number)) == number


@pytest.mark.parametrize("text", ["", "TYPE", "TYPE65536", "TYPE-1", "NONSENSE", "TYPE²"])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a record type"):
        type_from_text(text)


def test_known_types_have_the_registry_s_numbers() -> None:
    from splitdns.records import Type

    for rdtype in Type:
        if rdtype.name in dns.rdatatype.RdataType.__members__:
            assert dns.rdatatype.RdataType[rdtype.name] == rdtype
