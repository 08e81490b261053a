"""Findings as SARIF 2.1.0 (OASIS), for code hosts that show them beside the changed lines."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from splitdns import __version__
from splitdns.check.check import Checked
from splitdns.check.finding import Code, Finding, Severity
from splitdns.check.report import plain
from splitdns.errors import Where

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}


def report(checked: Checked) -> dict[str, Any]:
    """One run, with a rule for each code that was found; what is accepted is suppressed."""
    codes = sorted({*(one.code for one in checked.findings), *(one.finding.code for one in checked.accepted)})
    driver = {
        "name": "splitdns",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    results = [_result(one, codes.index(one.code)) for one in checked.findings]
    for one in checked.accepted:
        suppression = {"kind": "external", "status": "accepted", "justification": one.reason}
        result = _result(one.finding, codes.index(one.finding.code))
        results.append(result | {"suppressions": [suppression]})
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.value,
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
        "properties": {"severity": str(code.severity)},
    }


def _result(one: Finding, rule: int) -> dict[str, Any]:
    text = f"{one.subject}: {one.message}" if one.subject else one.message
    if one.remedy:
        text += f". Remedy: {one.remedy}"
    places = [one.where] if one.where is not None else []
    related = [origin.where for origin in one.rules if origin.where not in places]
    result: dict[str, Any] = {
        "ruleId": one.code.value,
        "ruleIndex": rule,
        "level": _LEVELS[one.severity],
        "message": {"text": text},
        "locations": [_location(where) for where in places],
    }
    if related:
        result["relatedLocations"] = [_location(where) for where in dict.fromkeys(related)]
    if one.witness is not None:
        result["properties"] = {"witness": plain.witness(one.witness)}
    return result


def _location(where: Where) -> dict[str, Any]:
    # A place need not be a file: "docker: container web" is one that a person can go and look at, too.
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(where.file)}}
    if where.line:
        region = {"startLine": where.line}
        if where.column:
            region["startColumn"] = where.column
        physical["region"] = region
    return {"physicalLocation": physical}
