"""A whole gateway from OPNsense's ``config.xml``, by pfSense's modules: newer rules are brought in first."""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects.opnsense.newer import brought_over
from splitdns.check.dialects.pfsense.config import Flavour
from splitdns.check.dialects.pfsense.read import read_as
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Network


def read(texts: Sequence[Printed], around: Network) -> Device:
    """Read OPNsense's ``config.xml``.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order; or that it is somebody else's XML.
    """
    return read_as(Flavour.OPNSENSE, texts, around, brought_over)
