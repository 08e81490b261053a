"""A whole gateway from OPNsense's ``config.xml``: the rules of its older pages, and of its newer ones.

The newer ones stand under ``<OPNsense><Firewall>`` with fields of other names. They are brought into the
older form, with their places, and asked before the older rules of the same kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects.pfsense.config import Flavour
from splitdns.check.dialects.pfsense.read import read_as
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Network


def read(texts: Sequence[Printed], around: Network) -> Device:
    """Read OPNsense's ``config.xml``.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order; or that it is somebody else's XML.
    """
    return read_as(Flavour.OPNSENSE, texts, around, lambda config: config.rows("filter", "rule"))
