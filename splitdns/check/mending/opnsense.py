"""Changes as steps in OPNsense's web interface, and as the pieces of ``config.xml`` that they make.

They are pfSense's, under other menus; a filter rule of OPNsense says by itself that it is quick.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.changes import Change
from splitdns.check.mending.pfsense import Words, in_words

OPNSENSE = Words(
    "Firewall › NAT › Port Forward",
    "Firewall › NAT › Outbound",
    "Firewall › Rules",
    "System › Configuration › Backups",
    "Enable",
    "<statetype>keep state</statetype><direction>in</direction><quick>1</quick>",
    "<poolopts/>",
)


def written(changes: Sequence[Change]) -> tuple[list[str], list[str]]:
    """Steps that make the changes, and those that undo them."""
    return in_words(changes, OPNSENSE)
