from __future__ import annotations

from pathlib import Path

from splitdns.errors import Where
from splitdns.load.declared import Places, SoaTimes, file_id, place
from splitdns.load.presentation import rdata_to_text
from splitdns.names import from_text
from splitdns.records import Type


def test_a_place_in_any_of_a_zones_files_fits_into_an_integer() -> None:
    places = Places(["zone"])
    included = places.add("included")
    assert places.where(place(0, 1, 1)) == Where("zone", 1, 1)
    assert places.where(place(included, 2**40 - 1, 65_535)) == Where("included", 2**40 - 1, 65_535)
    assert places.where(place(included, 7, 1_000_000)) == Where("included", 7, 65_535)
    assert places.where(0) == Where("zone")


def test_a_changed_file_has_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "a"
    lost = file_id(path)
    path.write_text("1")
    first = file_id(path)
    (tmp_path / "b").write_text("1")
    (tmp_path / "b").replace(path)
    assert len({lost, first, file_id(path)}) == 3
    assert file_id(path) == file_id(str(path))


def test_a_soa_is_made_from_its_fields__rfc1035_3_3_13() -> None:
    soa = SoaTimes(from_text("ns1.example.org."), from_text("hostmaster.example.org."))
    text = "ns1.example.org. hostmaster.example.org. 7 3600 900 604800 60"
    assert rdata_to_text(Type.SOA, soa.rdata(7)) == text
