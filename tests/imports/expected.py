"""Systems that cannot be run here: what their documentation says of a question, beside what splitdns answers.

``served`` is splitdns with what was imported, in this process; its upstreams answer every question with an
address that ends as theirs does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import dns.rcode
import dns.rdatatype
import dns.rrset

from splitdns.answer.decide import Forward, Reply
from splitdns.names import fold
from splitdns.records import RRset, Type
from tests.imports.compared import Case
from tests.serving import World

NOTHING = ("NOERROR", "")
NO_NAME = ("NXDOMAIN", "")


@dataclass(frozen=True)
class Expected:
    """``said``: the rcode, and the data of the last record set of the answer."""

    asked: str
    said: tuple[str, str]
    client: str = "192.168.1.7"


def forwarded(last: int) -> tuple[str, str]:
    """What the upstream whose address ends so answers."""
    return "NOERROR", f"9.9.9.{last}"


def served(case: Case, directory: Path) -> World:
    case.write(directory)
    return World(directory, {}, (directory / "splitdns.yaml").read_text(), _upstream)


def _upstream(forward: Forward) -> Reply:
    host = forward.upstreams.upstreams[0].host
    last = int(host.rpartition(".")[2])
    if forward.qtype != Type.A:
        return Reply(0)
    return Reply(0, (RRset(fold(forward.name), Type.A, 60, (bytes((9, 9, 9, last)),)),))


def said(world: World, expected: Expected) -> tuple[str, str]:
    name, rdtype = expected.asked.split()
    reply = world.ask(name, rdtype, client=expected.client)
    last = reply.answer[-1] if reply.answer else ()
    return dns.rcode.to_text(reply.rcode()), " ".join(sorted(str(one) for one in last))
