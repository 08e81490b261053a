"""Trust anchors: the built-in ones, a file of one's own, and where nothing is validated."""

from __future__ import annotations

from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdata
import pytest

from splitdns.errors import Problems
from splitdns.load.anchors import IANA, PRIVATE, Anchors, negative, read
from splitdns.names import ROOT, from_text
from tests.signed import Zone

DEBIAN_S = Path("/usr/share/dns")
DS = "DS 1 13 2 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"


def anchors(tmp_path: Path, text: str) -> tuple[Anchors, list[str]]:
    file = tmp_path / "root.key"
    file.write_text(text)
    problems = Problems()
    found = read(file, problems)
    return found, [str(error).removeprefix(f"{file}:") for error in problems.errors]


def test_the_roots_two_keys_are_built_in() -> None:
    ((zone, delegations),) = IANA
    assert zone == ROOT
    assert [int.from_bytes(each[:2], "big") for each in delegations] == [20326, 38696]
    assert {each[2:4] for each in delegations} == {b"\x08\x02"}
    assert {len(each) for each in delegations} == {4 + 32}


@pytest.mark.skipif(not DEBIAN_S.exists(), reason="Debian's dns-root-data is not installed")
def test_they_are_those_that_debian_has() -> None:
    problems = Problems()
    assert read(DEBIAN_S / "root.ds", problems) == IANA
    assert set(read(DEBIAN_S / "root.key", problems)[0][1]) <= set(IANA[0][1])
    assert not problems.errors


def test_ds_and_dnskey_records_are_read(tmp_path: Path) -> None:
    zone = Zone("example.org.")
    text = f"; own\n\nexample.org. IN DS {zone.ds}\n. {DS}\n"
    text += f"EXAMPLE.org. 3600 IN DNSKEY {zone.dnskey} ; the same\n"
    found, errors = anchors(tmp_path, text)
    assert not errors
    ds = dns.dnssec.make_ds(dns.name.from_text("example.org."), zone.dnskey, "SHA256").to_wire()
    assert found[0] == (from_text("example.org."), (ds,))
    assert found[1][0] == ROOT


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("example.org DS 1 2 3 00", "1: expected a name that ends in a dot, found 'example.org'"),
        (". NS a.", "1: expected a DS or DNSKEY record, found '. NS a.'"),
        (". DS 1 13 2", "1: expected a DS or DNSKEY record, found '. DS 1 13 2'"),
        (". DS 1 13 256 00", "1: expected a number up to 255, found '256'"),
        (". DS 1 13 2 xyz", "1: expected hexadecimal, found 'xyz'"),
        (". DNSKEY 257 3 13 !", "1: expected base64, found '!'"),
        (". DNSKEY 385 3 13 AAAA", "1: expected a key with the flags 256 or 257, found 385"),
        ("; nothing", " expected DS or DNSKEY records, found none"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    assert anchors(tmp_path, line)[1] == [message]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    problems = Problems()
    assert read(tmp_path / "no", problems) == ()
    assert "No such file" in str(problems.errors[0])
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert read(tmp_path / "binary", problems) == ()
    assert "no text" in str(problems.errors[1])


def test_private_names_are_not_validated_but_those_with_an_anchor__rfc7646_2() -> None:
    corp, lab, shop = (from_text(f"{name}.example.") for name in ("corp", "lab", "shop"))
    anchored = (*IANA, (corp, (b"",)))
    assert negative([shop], [corp, lab, ROOT], anchored) == PRIVATE | {shop, lab}
    assert negative([corp], [], anchored) == PRIVATE | {corp}
    assert {from_text("internal."), from_text("home.arpa."), from_text("local.")} <= PRIVATE
