"""What loads, and is hardly meant: settings that fit together and still leave somebody without answers.

A slip in a horizon makes every zone look wrong, and a single forward rule takes the rest of the world away.
So this is said of the configuration, at its own lines, and before anything of the zones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from splitdns.errors import Caution
from splitdns.load.settings import Settings
from splitdns.load.wansources import Value
from splitdns.names import ROOT, ancestors, to_text
from splitdns.view import OUTSIDE, USUAL_HORIZONS, View


def unrouted(settings: Settings) -> Iterator[Caution]:
    """Views that recurse and get to ask nobody; ``forward: []`` says that this is meant."""
    written = settings.is_written("forward")
    if written and not settings.forward:
        return
    why = "no forward rule covers '.'" if written else "there is no `forward`, nor a resolver on this machine"
    for name, view in settings.views.items():
        if view.recursion and ROOT not in settings.routes(name):
            message = f"view {name} recurses, but {why}: all other names are REFUSED"
            if settings.is_written("views"):
                where = settings.where_key(("views", name))
            else:
                where = settings.where_key(("forward",))
            yield Caution(where, message)


def unknown(settings: Settings, wan: Mapping[int, Value]) -> Iterator[Caution]:
    """Public addresses that nobody knows now (semantics 12)."""
    for family, value in wan.items():
        if value.address is None:
            message = f"$wan{family} has no value, and its records are SERVFAIL: {value.reason}"
            yield Caution(settings.where(("wan", f"ipv{family}")), message)


def shadowed(settings: Settings, views: Sequence[View]) -> Iterator[Caution]:
    """What zones have at the whoami name: it is not served, or is why nobody is told anything there."""
    if (name := settings.whoami) is None:
        return
    messages: dict[str, None] = {}
    for view in views:
        for ancestor in ancestors(name):
            if (zone := view.zones.get(ancestor)) is None or not zone.source:
                continue
            if ancestor == name:
                messages[f"it is a zone of its own ({zone.source}), where nobody is told who it is"] = None
            elif zone.node(name) is not None:
                messages[f"{zone.source} has the name too: nothing of it is served, nor beneath it"] = None
            break
    for message in messages:
        yield Caution(settings.where(("whoami",)), f"{to_text(name)}: {message}")


def unused_horizons(
    settings: Settings, used: Collection[str], *, slips_only: bool = False
) -> Iterator[Caution]:
    """Horizons of views that no value of any zone has; ``used`` are those that some value has.

    An outside view needs no values of its own, and neither does a preference of a view that has another
    horizon, unless it looks like a slip. ``slips_only``: there are other zones, so only what is nearly a
    horizon that no view has is told. The usual horizons are no slips: there, the zones' values are.
    """
    if not used:
        return
    known = ", ".join(sorted(used))
    taken = {horizon for view in settings.views.values() for horizon in view.horizon}
    for name, view in settings.views.items():
        lost = not slips_only and not any(horizon in used or horizon == OUTSIDE for horizon in view.horizon)
        for at, horizon in enumerate(view.horizon):
            if horizon in used or horizon == OUTSIDE:
                continue
            near = get_close_matches(horizon, [one for one in sorted(used) if one not in taken], 1)
            if not near and not slips_only:
                near = get_close_matches(horizon, sorted(used), 1)
            if horizon in USUAL_HORIZONS:
                near = []
            if lost or near:
                meant = f"; is {near[0]!r} meant?" if near else ""
                message = f"no zone has a value for the horizon {horizon!r}; known: {known}{meant}"
                yield Caution(settings.where(("views", name, "horizon", at)), message)
