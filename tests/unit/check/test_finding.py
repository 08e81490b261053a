from __future__ import annotations

from splitdns.check.finding import Code, Finding, Severity


def test_every_code_has_its_severity_and_its_name_is_the_code() -> None:
    assert all(code.name.replace("_", "-") == code.value for code in Code)
    by_severity = {severity: sum(code.severity is severity for code in Code) for severity in Severity}
    assert by_severity == {
        Severity.CRITICAL: 5,
        Severity.ERROR: 21,
        Severity.WARNING: 14,
        Severity.INFO: 4,
    }


def test_severities_are_in_order_and_a_finding_may_be_milder_than_its_code() -> None:
    assert Severity.INFO < Severity.WARNING < Severity.ERROR < Severity.CRITICAL
    assert str(Severity.CRITICAL) == "critical"
    assert Finding(Code.HP_MISSING, "").severity is Severity.ERROR
    assert Finding(Code.HP_MISSING, "", severity_override=Severity.INFO).severity is Severity.INFO
