"""Real ``dig``, asked many questions at once, and what it printed as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from tests.lab.network import Host


@dataclass(frozen=True)
class Dug:
    """One response as dig read it; sections are sorted lines, without TTLs, names in full."""

    rcode: str
    flags: frozenset[str]
    answer: tuple[str, ...]
    authority: tuple[str, ...]
    additional: tuple[str, ...]
    server: str
    ttls_s: tuple[int, ...]


def dig(host: Host, server: str, questions: Sequence[tuple[str, str]], *options: str) -> list[Dug]:
    """Ask ``server`` each (name, type) from ``host``; one try, half a minute.

    Raises:
        AssertionError: a question got no response that dig accepts.
    """
    argv = ["dig", "+yaml", "+tries=1", "+time=30", "+nocookie", *options]
    for name, rdtype in questions:
        argv += [f"@{server}", name, rdtype]
    done = host.run(*argv, check=False, timeout_s=300)
    replies = [entry for entry in yaml.safe_load(done.stdout) or [] if entry["type"] == "MESSAGE"]
    if done.returncode or len(replies) != len(questions):
        printed = done.stdout + done.stderr
        raise AssertionError(f"{host.name}: dig @{server} exited {done.returncode}: {printed}")
    return [_dug(entry["message"]) for entry in replies]


def _dug(message: dict[str, object]) -> Dug:
    data = message["response_message_data"]
    assert isinstance(data, dict)
    split = {
        section: [str(line).split(" ", 3) for line in data.get(f"{section}_SECTION") or []]
        for section in ("ANSWER", "AUTHORITY", "ADDITIONAL")
    }
    lines = {
        section: tuple(sorted(f"{owner} {rest}" for owner, _, _, rest in rows))
        for section, rows in split.items()
    }
    return Dug(
        str(data["status"]),
        frozenset(str(data.get("flags") or "").split()),
        lines["ANSWER"],
        lines["AUTHORITY"],
        lines["ADDITIONAL"],
        str(message["response_address"]),
        tuple(int(row[1]) for row in split["ANSWER"]),
    )
