"""What the shell offers for a name that the configuration knows: views and zones.

Completion must never print or fail: whatever is wrong with the configuration, the shell offers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from splitdns.snapshot import Snapshot


def views(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the views."""
    snapshot = _snapshot(ctx)
    return [view.name for view in snapshot.views if view.name.startswith(incomplete)] if snapshot else []


def zones(ctx: typer.Context, incomplete: str) -> list[str]:
    """The apexes of the zones that were declared, without a final dot."""
    from splitdns.names import to_text

    snapshot = _snapshot(ctx)
    if snapshot is None:
        return []
    apexes = {
        to_text(apex)[:-1] for view in snapshot.views for apex, zone in view.zones.items() if zone.source
    }
    return sorted(apex for apex in apexes if apex.startswith(incomplete.lower()))


def _snapshot(ctx: typer.Context) -> Snapshot | None:
    from splitdns.cli.loading import load_quietly

    loaded = load_quietly(ctx.params.get("config"))
    return loaded.snapshot if loaded else None
