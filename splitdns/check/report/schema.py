"""The JSON Schema of ``splitdns check --format json``: what scripts may rely on."""

from __future__ import annotations

from typing import Any

from splitdns.check.finding import Code, Severity
from splitdns.check.probe import Fact
from splitdns.check.report.plain import FORMAT
from splitdns.check.verdict import Verdict

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a report; nothing but probes is left out of one, and nothing else is in it."""
    schema = {
        "$schema": DRAFT,
        "title": "splitdns check --format json",
        "$defs": _DEFINITIONS,
        **_object(
            format={"const": FORMAT},
            findings=_list("finding"),
            accepted=_list("accepted"),
            cells=_list("cell"),
            summary=_object(
                services=_COUNT,
                clients=_COUNT,
                cells=_COUNT,
                rules=_COUNT,
                not_modelled={"type": "object", "additionalProperties": _COUNT},
                findings={"type": "object", "additionalProperties": _COUNT},
                inconclusive={"type": "boolean"},
            ),
        ),
    }
    schema["properties"] |= {"probes": _list("probe"), "told": _list("told")}  # with --probe only
    return schema


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_VERDICT = {"enum": [verdict.value for verdict in Verdict]}
_PACKET = dict.fromkeys(("source", "destination", "protocol", "source_port", "destination_port"), _TEXT)
_FINDING = {
    "code": {"enum": [code.value for code in Code]},
    "severity": {"enum": [str(severity) for severity in Severity]},
    "message": _TEXT,
    "subject": _or_null(_TEXT),
    "clients": _TEXTS,
    "verdict": _or_null(_VERDICT),
    "where": _or_null(_TEXT),
    "rules": _list("origin"),
    "witness": _or_null({"$ref": "#/$defs/witness"}),
    "remedy": _or_null(_TEXT),
    "reasons": _TEXTS,
}
_DEFINITIONS = {
    "origin": _object(where=_TEXT, text=_or_null(_TEXT), handle=_or_null(_COUNT), made_by=_or_null(_TEXT)),
    "act": _object(
        hook=_TEXT, table=_TEXT, chain=_TEXT, what=_TEXT, rule=_or_null({"$ref": "#/$defs/origin"})
    ),
    "stage": _object(where=_TEXT, says=_or_null(_TEXT), **_PACKET, acts=_list("act")),
    "witness": _object(clients=_TEXT, **_PACKET, stages=_list("stage")),
    "finding": _object(**_FINDING),
    "accepted": _object(**_FINDING, reason=_TEXT, accepted_at=_TEXT),
    "probe": _object(
        service=_TEXT,
        address=_TEXT,
        source=_or_null(_TEXT),
        live={"enum": [fact.value for fact in Fact]},
        verdict=_or_null(_VERDICT),
        certificate_sha256=_or_null(_TEXT),
        http=_or_null(_TEXT),
        remark=_or_null(_TEXT),
    ),
    "told": _object(
        name=_TEXT,
        resolver=_TEXT,
        live={"enum": [fact.value for fact in Fact]},
        addresses=_TEXTS,
        view=_or_null(_TEXT),
        remark=_or_null(_TEXT),
    ),
    "cell": _object(
        service=_TEXT,
        clients=_TEXT,
        view=_or_null(_TEXT),
        address=_TEXT,
        told={"type": "boolean"},
        verdict=_VERDICT,
        works={"type": "boolean"},
    ),
}
