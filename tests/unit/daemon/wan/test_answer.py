from __future__ import annotations

import pytest

from splitdns.daemon.wan.answer import MAX_OCTETS, WanError, address_in


@pytest.mark.parametrize(
    ("text", "family", "address"),
    [
        ("203.0.113.7\n", 4, "203.0.113.7"),
        ('{"ip":"203.0.113.7"}', 4, "203.0.113.7"),
        ("Current IP Address: 203.0.113.7</body>", 4, "203.0.113.7"),
        ("ip=2001:db8::7\nts=1", 6, "2001:db8::7"),
        ("2001:db8::7 203.0.113.7", 4, "203.0.113.7"),
        ("lo 10.0.0.1, wan 203.0.113.7", 4, "10.0.0.1"),  # the first counts: nothing is guessed
    ],
)
def test_the_first_address_of_the_family_counts(text: str, family: int, address: str) -> None:
    assert str(address_in(text, family)) == address


@pytest.mark.parametrize(
    "text",
    ["", "no address", "2001:db8::7", "203.0.113.7.8", "x203.0.113.7", " " * MAX_OCTETS + "203.0.113.7"],
    ids=["nothing", "words", "other-family", "five-parts", "part-of-a-word", "beyond-the-limit"],
)
def test_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(WanError, match="expected an IPv4 address, found"):
        address_in(text, 4)


def test_an_address_of_one_link_only_is_none() -> None:
    with pytest.raises(WanError):
        address_in("fe80::1%eth0", 6)
