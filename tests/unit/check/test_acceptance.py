from __future__ import annotations

from pathlib import Path

from splitdns.check.check import also
from splitdns.check.finding import Code, Finding, Severity
from splitdns.check.mend import cures
from tests.check.world import FORWARD, PLAIN, World, filtered, nat

CLOSED = filtered("-A INPUT -i wan0 -m conntrack --ctstate NEW -j DROP\n", forward="ACCEPT")
WWW = "www.example.com. 443/tcp"


def accepting(directory: Path, *entries: tuple[str, str], rules: str = nat(FORWARD) + CLOSED) -> World:
    listed = "".join(
        f"\n    - {{code: {code}, subject: {subject!r}, reason: meant}}" for code, subject in entries
    )
    return World(directory, zone=PLAIN, rules=rules, gateway=f"\n  accept:{listed}")


def test_an_accepted_finding_is_kept_with_its_reason_and_fails_nothing__semantics_27(tmp_path: Path) -> None:
    checked = accepting(tmp_path, ("HP-MISSING", WWW)).checked()

    (one,) = checked.accepted
    assert (one.finding.code, one.finding.subject, one.reason) == (Code.HP_MISSING, WWW, "meant")
    assert str(one.where).endswith("splitdns.yaml:11:7")
    assert Code.HP_MISSING not in {finding.code for finding in checked.findings}
    assert checked.status(Severity.WARNING) == 0


def test_only_that_service_s_finding_of_that_code_is(tmp_path: Path) -> None:
    for entry in (("HP-MISSING", "web.example.com. 443/tcp"), ("FWD-MISSING", WWW)):
        checked = accepting(tmp_path, entry).checked()

        assert not checked.accepted
        assert {Code.HP_MISSING, Code.ACCEPT_STALE} <= {finding.code for finding in checked.findings}


def test_of_a_finding_that_is_about_no_service_the_text_is_the_name(tmp_path: Path) -> None:
    (admin,) = World(tmp_path, zone=PLAIN).findings(Code.EXP_ADMIN)
    assert not admin.subject

    checked = accepting(tmp_path, ("EXP-ADMIN", admin.message), rules=nat(FORWARD)).checked()

    assert [one.finding.code for one in checked.accepted] == [Code.EXP_ADMIN]


def test_an_entry_that_names_nothing_is_found_at_its_place(tmp_path: Path) -> None:
    world = accepting(tmp_path, ("HP-MISSING", WWW), ("HP-SELF", WWW))

    (stale,) = world.findings(Code.ACCEPT_STALE)

    assert str(stale.where).endswith("splitdns.yaml:12:7")
    assert "HP-SELF is accepted here" in stale.message
    assert world.checked().status(Severity.WARNING) == 1


def test_what_live_answers_find_may_be_accepted_and_may_be_absent(tmp_path: Path) -> None:
    checked = accepting(tmp_path, ("DNS-WAN-STALE", WWW), ("HP-MISSING", WWW)).checked()
    assert Code.ACCEPT_STALE not in {finding.code for finding in checked.findings}

    live = also(checked, [Finding(Code.DNS_WAN_STALE, "the world is told another", WWW)])

    assert [one.finding.code for one in live.accepted] == [Code.HP_MISSING, Code.DNS_WAN_STALE]
    assert live.findings == checked.findings


def test_a_cure_that_mends_what_is_accepted_too_does_no_harm(tmp_path: Path) -> None:
    """The hairpin of one name is that of the other, and leaves an entry behind that names nothing."""
    world = accepting(tmp_path, ("HP-MISSING", WWW))
    both = world.but(zone=f"{PLAIN}  also: {{A: $wan4, expose: [443/tcp]}}\n")

    (cure,) = cures(both.checked())

    assert {one.subject for one in cure.findings} == {"also.example.com. 443/tcp"}
    assert cure.left == ""
