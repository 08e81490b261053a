"""What the leak guard takes out of a record set, and why.

The guard itself is asked, one record at a time; only the reasons are found here.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.addresses import is_inside
from splitdns.answer import contents
from splitdns.answer.guard import guard, is_hidden
from splitdns.answer.rebinding import REASON, protected
from splitdns.explain.values import Stripped
from splitdns.names import Qname, to_text
from splitdns.records import RRset
from splitdns.view import View
from splitdns.wire.message import Answer

INSIDE = "it is an inside address, and the view an outside one"
DECLARED_ELSEWHERE = "our zones declare this address for other views only"
HINTS = "its address hints hold an inside address, or one that our zones declare for other views only"


def stripped_from(rrset: RRset, view: View, question: Qname) -> Iterator[Stripped]:
    """The records of ``rrset`` that do not pass the guard unharmed."""
    for rdata in rrset.rdatas:
        left = guard(Answer(answer=(rrset.with_rdatas((rdata,)),)), view, question).answer
        if not left:
            yield Stripped(rrset.owner, rrset.rdtype, rdata, _reason(rrset.rdtype, rdata, view))
        elif left[0].rdatas != (rdata,):
            yield Stripped(rrset.owner, rrset.rdtype, rdata, HINTS, shortened=True)


def rebound_from(rrset: RRset, view: View) -> Iterator[Stripped]:
    """The records of an upstream's ``rrset`` that rebinding protection does not let pass unharmed."""
    for rdata in rrset.rdatas:
        (left,), taken = protected((rrset.with_rdatas((rdata,)),), view)
        if taken:
            yield Stripped(rrset.owner, rrset.rdtype, rdata, REASON, shortened=bool(left.rdatas))


def hidden_target(name: bytes) -> str:
    """Why a record that leads to ``name`` is not served."""
    return f"{to_text(name)} exists in other views only"


def _reason(rdtype: int, rdata: bytes, view: View) -> str:
    hidden = [name for name in contents.names(rdtype, rdata) if is_hidden(name, view)]
    if hidden:
        return hidden_target(hidden[0])
    addresses = contents.addresses(rdtype, rdata)
    if not addresses:
        return HINTS
    return INSIDE if any(map(is_inside, addresses)) else DECLARED_ELSEWHERE
