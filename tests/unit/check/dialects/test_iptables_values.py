from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.dialects.iptables_values import (
    address_range,
    addresses,
    ports,
    protocols,
    value_and_mask,
    whole_number,
)
from splitdns.check.dialects.iptables_words import Line, Word
from splitdns.check.sets import ADDRESSES4, ADDRESSES6, PROTOCOLS, Numbers, numbers_of
from splitdns.errors import ConfigError

FOUR, SIX = Line("rules", 1, "", 4), Line("rules", 1, "", 6)


def word(text: str) -> Word:
    return Word(text, 5)


def test_a_mask_is_a_length_or_dotted() -> None:
    network = numbers_of(ip_network("192.0.2.0/24"))

    assert addresses(FOUR, word("192.0.2.9/24")) == network
    assert addresses(FOUR, word("192.0.2.9/255.255.255.0")) == network
    assert addresses(FOUR, word("0.0.0.0/0")) == ADDRESSES4
    assert addresses(FOUR, word("anything/0")) == ADDRESSES4
    assert addresses(SIX, word("::/0")) == ADDRESSES6
    assert addresses(SIX, word("2001:db8::1/ffff:ffff::")) == numbers_of(ip_network("2001:db8::/32"))


def test_a_mask_with_holes_makes_ranges_up_to_a_number() -> None:
    found = addresses(FOUR, word("10.0.0.0/255.252.255.0"))
    assert found is not None
    assert found == numbers_of(*(ip_network(f"10.{at}.0.0/24") for at in range(4)))
    assert addresses(FOUR, word("10.0.0.0/255.0.63.0")) is not None  # ten holes
    assert addresses(FOUR, word("10.0.0.0/255.0.31.0")) is None  # eleven
    assert addresses(SIX, word("::1/::ffff")) is None


def test_an_even_address_has_a_mask_too() -> None:
    found = addresses(FOUR, word("0.0.0.0/128.0.0.128"))

    assert found is None  # 2 ** 23 ranges
    assert addresses(FOUR, word("10.0.0.0/255.255.255.254")) == numbers_of(ip_network("10.0.0.0/31"))


def test_names_are_of_nobody_known() -> None:
    assert addresses(FOUR, word("host.example.org")) is None
    assert addresses(FOUR, word("192.0.2.1,host")) is None
    assert ports(FOUR, word("gopherd-of-old")) is None
    assert protocols(FOUR, word("fancy")) is None


@pytest.mark.parametrize("text", ["", "192.0.2", "1.2.3.4/x", "1.2.3.4/33", ",", "1.2.3.4,", "::1"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="rules:1:5: expected"):
        addresses(FOUR, word(text))


def test_ranges_of_addresses() -> None:
    assert address_range(FOUR, word(""), "192.0.2.1-192.0.2.2").size == 2
    assert address_range(SIX, word(""), "::1-::ff").size == 255
    assert address_range(FOUR, word(""), "192.0.2.1").size == 1


def test_ports_are_numbers_names_and_ranges() -> None:
    assert ports(FOUR, word("ssh,1024:,:7")) == Numbers.of((22, 22), (1024, 65535), (0, 7))
    assert ports(FOUR, word("10-20"), "-") == Numbers.of((10, 20))
    assert ports(FOUR, word("0x50")) == Numbers.one(80)


def test_protocols_are_numbers_and_names() -> None:
    assert protocols(FOUR, word("TCP")) == Numbers.one(6)
    assert protocols(FOUR, word("255")) == Numbers.one(255)
    assert protocols(FOUR, word("all")) == PROTOCOLS


def test_marks_have_a_mask() -> None:
    assert value_and_mask(FOUR, word("0x10/0xff")) == (16, 255)
    assert value_and_mask(FOUR, word("16")) == (16, 0xFFFFFFFF)


def test_whole_numbers_end_somewhere() -> None:
    assert whole_number(FOUR, word("255"), "255", "an octet", 255) == 255
    with pytest.raises(ConfigError, match="expected an octet, found '256'"):
        whole_number(FOUR, word("256"), "256", "an octet", 255)
    with pytest.raises(ConfigError, match="expected an octet, found '9999"):
        whole_number(FOUR, word("9" * 5000), "9" * 5000, "an octet", 255)
