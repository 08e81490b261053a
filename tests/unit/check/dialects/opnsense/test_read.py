"""OPNsense's file: its own outermost element."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.opnsense.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Network
from tests.check.pfsense.configs import config, device


def test_it_reads_its_own_and_no_other() -> None:
    assert device(config(root="opnsense")).ruleset.chains[0].table == "opnsense nat"
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed(config(), "config.xml")], Network())
    assert "expected <opnsense>, found <pfsense>" in str(caught.value.exceptions[0])
