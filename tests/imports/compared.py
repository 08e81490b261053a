"""One case: the other server, then splitdns with its configuration, and what differs in their answers."""

from __future__ import annotations

import contextlib
import itertools
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.zone

from splitdns.check.dialects.printed import Printed
from splitdns.imports.entries import Found
from splitdns.imports.sources import SOURCES, imported
from tests.imports.upstream import answering
from tests.lab.daemon import Daemon
from tests.lab.network import Host, Network

CASES = Path(__file__).parent / "cases"
TYPES = ("A", "AAAA", "MX", "TXT", "CNAME", "PTR", "SRV", "HTTPS")
SILENCE = ("SILENCE", ())
_READY_S = 60.0
_ANSWER_S = 0.3, 2.0, 20.0  # how long one is waited for, again and again

Said = tuple[str, tuple[str, ...]]  # the rcode, and the records of the answer without TTLs


@dataclass(frozen=True)
class Question:
    name: str
    rdtype: str
    client: str


@dataclass(frozen=True)
class Difference:
    question: Question
    theirs: Said
    ours: Said


@dataclass(frozen=True)
class Case:
    """``directory`` holds the files; ``listen`` is asked, at port 53; the namespace has all ``addresses``."""

    source: str
    name: str
    main: str
    clients: Sequence[str]
    upstreams: Sequence[str]
    listen: str = "127.0.0.1"
    addresses: Sequence[str] = ()
    more: Sequence[str] = ()  # names that are asked besides
    silent: str = ""  # a domain of which nothing is answered: asked for but once, as it takes time

    @property
    def directory(self) -> Path:
        return CASES / self.source / self.name

    def found(self) -> Found:
        path = self.directory / self.main
        return SOURCES[self.source](Printed(path.read_text(), self.main), self.directory)

    def write(self, to: Path) -> None:
        """Import it."""
        path = self.directory / self.main
        made = imported(self.source, Printed(path.read_text(), self.main), (), "inside", self.directory)
        files = made.files
        if "splitdns.yaml" not in files:
            files = {f"zones/{name}": text for name, text in files.items()}
        for name, text in files.items():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_text(text)

    def names(self) -> list[str]:
        """Every name that the configuration has, with one beneath it and one beside it, there and absent."""
        found = self.found()
        service = found.service
        own = [one.name for one in found.entries if not one.is_pattern] + [*found.closed]
        if service is not None:
            own += [rule.domain for rule in service.forward if rule.domain != "."]
            own += [line.split()[0] for plan in service.lists.values() for line in plan.lines if line]
            own = [one for one in own if one[0] not in "$@"]
            own += [name for file, text in service.masters.items() for name in _names_in(file, text)]
        stems = {one.lower().strip("|^@*.").rstrip(".") for one in (*own, *self.more)} - {""}
        above = {one.partition(".")[2] for one in stems} - {""}
        made = {f"{prefix}{one}" for one in stems | above for prefix in ("", "sub.", "absent.")}
        deep = {f"deep.er.{one}" for one in above}
        back = {
            ip_address(one.value).reverse_pointer
            for one in found.entries
            if one.rdtype in ("A", "AAAA") and not one.is_pattern
        }
        return sorted({*made, *deep, *back, "www.example.edu", "absent.example.edu"})

    def questions(self) -> list[Question]:
        made = [Question(*one) for one in itertools.product(self.names(), TYPES, self.clients)]
        quiet = f".{self.silent}" if self.silent else "nothing"
        return [one for one in made if one.rdtype == "A" or not f".{one.name}".endswith(quiet)]


def _names_in(file: str, text: str) -> list[str]:
    apex = file.removesuffix(".zone").partition("@")[0]
    zone = dns.zone.from_text(text, f"{apex}.", relativize=False)
    return [name.to_text() for name in zone]


def is_under(one: Difference, *domains: str) -> bool:
    """Whether the name is one of these, or beneath."""
    return any(f".{one.question.name}".endswith(f".{domain}") for domain in domains)


def of_reverse(one: Difference) -> bool:
    """Whether it is what reverse names differ by: private ones are never forwarded here, and made by us."""
    if not is_under(one, "in-addr.arpa", "ip6.arpa"):
        return False
    if one.question.rdtype == "PTR":
        return one.theirs[1] == ()
    return one.ours[1] == ()


Start = Callable[[Host, Path], Daemon]


def differences(case: Case, start: Start, tmp_path: Path) -> list[Difference]:
    """What the real server and splitdns say differently; ``start`` starts the former in a directory."""
    theirs_at, ours_at = tmp_path / "theirs", tmp_path / "ours"
    for directory in (theirs_at, ours_at):
        directory.mkdir()
    case.write(ours_at)
    questions = case.questions()
    with Network() as network:
        host = network.host("net")
        upstreams = (address for one in case.upstreams for address in one.split())
        addresses = {*case.clients, *upstreams, *case.addresses, case.listen} - {"127.0.0.1", "::1"}
        host.address("lo", *(f"{one}/{128 if ':' in one else 32}" for one in sorted(addresses)))
        with answering(host, *case.upstreams):
            theirs = _said(host, case, questions, start(host, theirs_at))
            ours = _said(host, case, questions, start_ours(host, ours_at))
    return [
        Difference(question, one, other)
        for question, one, other in zip(questions, theirs, ours, strict=True)
        if one != other
    ]


def start_ours(host: Host, directory: Path) -> Daemon:
    path = directory / "splitdns.yaml"
    if not path.exists():
        path.write_text('listen: ["127.0.0.1:53"]\nforward: [{domains: ["."], upstreams: [9.9.9.9]}]\n')
    everywhere = 'listen: ["0.0.0.0:53", "[::]:53"]'  # where the upstreams are, too
    path.write_text(path.read_text().replace(everywhere, 'listen: ["127.0.0.1:53"]'))
    with path.open("a") as config:
        config.write("workers: 1\nadmin: {listen: null}\ncontrol: null\nlimits: {queries_per_second: 0}\n")
    return host.start(sys.executable, "-m", "splitdns", "serve", "-c", str(directory / "splitdns.yaml"))


def _said(host: Host, case: Case, questions: Sequence[Question], daemon: Daemon) -> list[Said]:
    with contextlib.ExitStack() as stack:
        stack.callback(daemon.stop)
        doors = {client: stack.enter_context(_door(host, client, case.listen)) for client in case.clients}
        _await(doors[case.clients[0]], daemon)
        return [ask(doors[one.client], one) for one in questions]


@contextlib.contextmanager
def _door(host: Host, client: str, listen: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    with host.socket(family, socket.SOCK_DGRAM) as door:
        door.bind((client, 0))
        door.connect((listen if ":" not in client else "::1", 53))
        yield door


def _await(door: socket.socket, daemon: Daemon) -> None:
    deadline_s = time.monotonic() + _READY_S
    while time.monotonic() < deadline_s:
        assert daemon.running, f"it ended: {daemon.output[-4000:]}"
        with contextlib.suppress(OSError):
            if ask(door, Question("ready.example.edu", "A", "")) != SILENCE:
                return
        time.sleep(0.05)
    raise AssertionError(f"no answer: {daemon.output[-4000:]}")


def ask(door: socket.socket, question: Question) -> Said:
    query = dns.message.make_query(question.name, question.rdtype)
    reply = None
    for patience_s in _ANSWER_S:
        door.settimeout(patience_s)
        door.send(query.to_wire())
        with contextlib.suppress(TimeoutError):
            while reply is None or reply.id != query.id:
                reply = dns.message.from_wire(door.recv(65535), ignore_trailing=True)  # Unbound
            break
    else:
        return SILENCE
    assert reply is not None
    records = {
        f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}".lower()
        for rrset in reply.answer
        for rdata in rrset
    }
    return dns.rcode.to_text(reply.rcode()), tuple(sorted(records))


Reason = Callable[[Difference], bool]


def judged(found: Sequence[Difference], reasons: dict[str, Reason]) -> tuple[list[Difference], Counter[str]]:
    """The differences that no reason explains, and how often each reason did."""
    counts: Counter[str] = Counter()
    unexplained = []
    for one in found:
        reason = next((name for name, holds in reasons.items() if holds(one)), None)
        if reason is None:
            unexplained.append(one)
        else:
            counts[reason] += 1
    return unexplained, counts
