"""``expose``: the ports of a name that the gateway must admit, as a person writes them."""

from __future__ import annotations

import re

from splitdns.load.declared import Port

MAX_PORT = 65_535
_SPEC = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?/(tcp|udp)")
_FORWARDED = re.compile(r"([0-9-]+):([0-9-]+)/(tcp|udp)")


def port(text: object) -> Port:
    """``443/tcp`` or ``8000-8100/udp``.

    Raises:
        ValueError: it is neither.
    """
    match = _SPEC.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"expected a port such as 443/tcp or 8000-8100/udp, found {text!r}{_meant(_SPEC, text)}"
        )
    first = int(match[1])
    last = int(match[2] or first)
    if not 1 <= first <= last <= MAX_PORT:
        raise ValueError(f"expected ports from 1 to {MAX_PORT}, the lower one first, found {text!r}")
    return Port(match[3], first, last)


def _meant(form: re.Pattern[str], text: object) -> str:
    """What somebody may have meant who left out the protocol, or wrote it in capitals."""
    near = next((one for one in (f"{text}/tcp", str(text).lower()) if form.fullmatch(one)), "")
    return f"; is {near} meant?" if near else ""


def translated(public: object, inside: object) -> tuple[Port, Port]:
    """Public ports and the inside ones that they lead to.

    Raises:
        ValueError: one is not a port, or they do not fit together.
    """
    outer, inner = port(public), port(inside)
    if outer.protocol != inner.protocol:
        raise ValueError(f"expected one protocol on both sides, found {outer} and {inner}")
    if outer.last - outer.first != inner.last - inner.first:
        raise ValueError(f"expected as many ports inside as outside, found {outer} and {inner}")
    return outer, inner


def forwarded(text: object) -> tuple[Port, Port]:
    """``443/tcp``, or ``443:8443/tcp`` in Docker's order: public ports, and the inside ones behind them.

    Raises:
        ValueError: it is neither.
    """
    match = _FORWARDED.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        if near := _meant(_FORWARDED, text):
            raise ValueError(f"expected ports such as 443/tcp or 443:8443/tcp, found {text!r}{near}")
        return translated(text, text)
    public, inside, protocol = match.groups()
    return translated(f"{public}/{protocol}", f"{inside}/{protocol}")
