"""``splitdns schema``: the JSON Schema of a person's files, and of the check's report."""

from __future__ import annotations

from splitdns.cli.console import print_json


def run(of: str) -> None:
    """Print the schema of ``config``, of ``zone`` or of ``report``."""
    if of == "config":
        from splitdns.load.settings import json_schema

        print_json(json_schema())
    elif of == "report":
        from splitdns.check.report.schema import json_schema as report_schema

        print_json(report_schema())
    else:
        from splitdns.load.zoneschema import json_schema as zone_schema

        print_json(zone_schema())
