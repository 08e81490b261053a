from __future__ import annotations

import jsonschema

from splitdns.check.report.schema import json_schema


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
