"""Findings as JUnit XML, for build servers: a case for each service and group of clients.

A cell that fails is a failure with its findings; findings that are about no service are cases of their own.
"""

from __future__ import annotations

from xml.etree import ElementTree

from splitdns.check.check import Checked
from splitdns.check.finding import Finding, Severity
from splitdns.check.judge import Cell
from splitdns.check.verdict import Verdict


def report(checked: Checked, fail_on: Severity) -> str:
    """The document; findings of ``fail_on`` or worse fail, and those that are accepted are skipped."""
    suite = ElementTree.Element("testsuite", name="splitdns check")
    failures = skipped = 0
    by_subject: dict[str, list[Finding]] = {}
    for finding in checked.findings:
        by_subject.setdefault(finding.subject, []).append(finding)
    cells = [cell for cell in checked.judgement.cells if cell.told]
    for cell in cells:
        case = _case(suite, str(cell.service), f"{cell.seen.clients.name} to {cell.address}")
        bad = [one for one in by_subject.get(str(cell.service), ()) if _is_of(one, cell, fail_on)]
        if bad:
            failures += 1
            _fail(case, bad)
        elif reason := _accepted(checked, cell, fail_on):
            skipped += 1
            ElementTree.SubElement(case, "skipped", message=f"accepted: {reason}")
        elif cell.verdict is Verdict.MAYBE:
            skipped += 1
            ElementTree.SubElement(case, "skipped", message="; ".join(cell.result.reasons) or "not known")
    services = {str(cell.service) for cell in cells}
    for finding in checked.findings:
        if finding.subject not in services and finding.severity >= fail_on:
            failures += 1
            _fail(_case(suite, finding.code.value, finding.subject or finding.message), [finding])
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    suite.set("errors", "0")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=classname, name=name)


def _is_of(finding: Finding, cell: Cell, fail_on: Severity) -> bool:
    return finding.severity >= fail_on and (not finding.clients or cell.seen.clients.name in finding.clients)


def _accepted(checked: Checked, cell: Cell, fail_on: Severity) -> str:
    """Why a cell may fail; "" if nothing says so."""
    of_service = (one for one in checked.accepted if one.finding.subject == str(cell.service))
    return next((one.reason for one in of_service if _is_of(one.finding, cell, fail_on)), "")


def _fail(case: ElementTree.Element, findings: list[Finding]) -> None:
    failure = ElementTree.SubElement(
        case, "failure", type=findings[0].code.value, message=findings[0].message
    )
    failure.text = "\n".join(f"{one.code}: {one.message}. {one.remedy}" for one in findings)
