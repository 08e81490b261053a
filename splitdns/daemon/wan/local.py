"""The sources that can be looked at without asking anybody: an interface of this machine, and a file."""

from __future__ import annotations

import os
from pathlib import Path

from splitdns.daemon.wan.answer import MAX_OCTETS, Address, WanError, address_in
from splitdns.daemon.wan.interfaces import address_of
from splitdns.load.wansources import OfFile, OfInterface, Source, Static


def look(source: Source, family: int, base: Path) -> Address | None:
    """What ``source`` says; None where it has to be asked.

    Raises:
        WanError: there is no address.
        OSError: the file cannot be read, or the kernel does not tell.
    """
    match source:
        case Static(address=address):
            return address
        case OfInterface(name=name):
            return address_of(name, family)
        case OfFile(path=path):
            return _written(base / path, family)
    return None


def _written(path: Path, family: int) -> Address:
    try:
        with open(path, "rb", opener=_at_once) as file:
            text = file.read(MAX_OCTETS).decode("utf-8", "replace")
    except OSError as error:
        raise WanError(f"cannot read {path}: {error.strerror}") from None
    return address_in(text, family)


def _at_once(path: str, flags: int) -> int:
    """A pipe without a writer would be waited for, and with it everybody."""
    return os.open(path, flags | os.O_NONBLOCK)
