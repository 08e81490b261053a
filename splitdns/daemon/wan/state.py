"""What a server has learnt of its public addresses, for the commands, which ask nobody.

A small file beside the control socket. What is in it counts as long as the server itself would believe it:
from the same source, and for ``max_age``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.local import look
from splitdns.load.settings import Settings
from splitdns.load.wansources import Value, refusal
from splitdns.value import value

NAME = "wan.json"
MAX_OCTETS = 4096


@value(frozen=True, slots=True)
class Learnt:
    """What ``source``, in words, stands for; it said so last at ``seen_s``."""

    source: str
    value: Value
    seen_s: float


def place(settings: Settings, config: Path | None) -> Path | None:
    """Where the file is; None where the server has no directory of its own."""
    base = config.parent if config is not None else Path()
    return None if settings.control is None else (base / settings.control).with_name(NAME)


def write(path: Path, learnt: Mapping[int, Learnt]) -> None:
    """Leave ``learnt`` at ``path``, whole.

    Raises:
        OSError: it cannot be written.
    """
    values = {
        str(family): {
            "source": one.source,
            "address": None if one.value.address is None else str(one.value.address),
            "reason": one.value.reason,
            "refused": one.value.is_refused,
            "seen": one.seen_s,
        }
        for family, one in learnt.items()
    }
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(values) + "\n")
    new.replace(path)


def read(path: Path) -> dict[int, Learnt]:
    """What was left at ``path``; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(MAX_OCTETS))
        return {int(family): _learnt(one) for family, one in values.items() if family in ("4", "6")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _learnt(value: dict[str, object]) -> Learnt:
    written = value["address"]
    address = None if written is None else ip_address(str(written))
    found = Value(address, str(value["reason"]), value["refused"] is True)
    return Learnt(str(value["source"]), found, float(str(value["seen"])))


def looked_up(settings: Settings, config: Path | None, now_s: float) -> dict[int, Value]:
    """The public addresses as a command finds them: looked at, or learnt by the server that runs."""
    path = place(settings, config)
    learnt = read(path) if path is not None else {}
    base = config.parent if config is not None else Path()
    found: dict[int, Value] = {}
    for family, source in settings.wan.sources.items():
        try:
            address = look(source, family, base)
        except (WanError, OSError) as error:
            found[family] = Value(None, str(error))
            continue
        one = learnt.get(family)
        if address is not None:
            why = refusal(address)
            found[family] = Value(None, why, is_refused=True) if why else Value(address)
        elif one is None or one.source != str(source):
            found[family] = Value(None, f"no server here has asked {source}")
        elif one.value.address is not None and now_s - one.seen_s > settings.wan.max_age:
            found[family] = Value(None, f"{source} has not answered for long")
        else:
            found[family] = one.value
    return found
