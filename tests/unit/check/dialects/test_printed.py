from __future__ import annotations

from splitdns.check.dialects.iproute import read
from splitdns.check.dialects.printed import Printed


def test_a_file_without_text_tells_nothing() -> None:
    assert read([Printed("", "addresses")]).interfaces == ()
