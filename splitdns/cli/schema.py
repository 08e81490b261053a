"""``splitdns schema``: the JSON Schema of a person's files."""

from __future__ import annotations

from splitdns.cli.console import print_json


def run(of: str) -> None:
    """Print the schema of ``config`` or of ``zone``."""
    if of == "config":
        from splitdns.load.settings import json_schema

        print_json(json_schema())
    else:
        from splitdns.load.zoneschema import json_schema as zone_schema

        print_json(zone_schema())
