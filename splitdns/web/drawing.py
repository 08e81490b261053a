"""Templates to HTML. Whatever stands in a page is escaped, for names are strangers' words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from splitdns import __version__

if TYPE_CHECKING:
    from jinja2 import Environment


def draw(template: str, values: Mapping[str, Any], now_s: float | None = None) -> str:
    """The page of ``template`` with ``values``."""
    now_s = time.time() if now_s is None else now_s
    return environment().get_template(template).render(**values, now_s=now_s, version=__version__)


@cache
def environment() -> Environment:
    """All templates, checked as they are used: a value that is not there is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("splitdns.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"number": number, "octets": octets, "ms": milliseconds, "span": span, "clock": clock}
    return made


def number(value: float) -> str:
    """``12 345``, with narrow spaces that do not break."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def octets(value: float) -> str:
    """``1.5 MiB``"""
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def milliseconds(value: float | None) -> str:
    """``0.42 ms``, ``12 ms``; a dash for nothing."""
    if value is None:
        return "–"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def span(seconds: float) -> str:
    """How long that is, in its largest unit: ``3 min``."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def clock(time_s: float) -> str:
    """The time of day, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(time_s))
