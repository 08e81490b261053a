"""Rules that cure findings: the smallest change, and proof that it cures without harm.

A change is made in the model first and the whole check is run again: the finding must be gone, no other may
have come, and nothing more may be let in from the internet. Only then is it written in a dialect, with the
way back (``mending``). The better cure, split DNS, is not a rule; findings name it in their remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from splitdns.addresses import is_inside
from splitdns.check import redirecting
from splitdns.check.changes import Admit, AdmitReplies, Change, Forward, Hairpin, with_changes
from splitdns.check.check import Checked, check
from splitdns.check.finding import Code, Finding, Severity
from splitdns.check.findings.evidence import destination_act, last_act
from splitdns.check.judge import Cell
from splitdns.check.model import Hook, Kind
from splitdns.check.redirecting import Redirection
from splitdns.check.sets import Address, Numbers, address_of
from splitdns.value import value

MAX_ROUNDS = 3  # a forward, then a filter, then a hairpin; what needs more is not a small change

_NEEDS_FORWARD = {
    Code.FWD_MISSING,
    Code.FWD_WRONG_HOST,
    Code.FWD_WRONG_PORT,
    Code.FWD_SHADOWED,
    Code.HP_DNAT_WAN_ONLY,
    Code.HP_ZONE_UNCOVERED,
}
_NEEDS_HAIRPIN = {Code.HP_MISSING, Code.HP_SELF, Code.HP_DNAT_WAN_ONLY, Code.HP_ZONE_UNCOVERED}
_NEEDS_ACCEPT = {Code.FWD_FILTERED, Code.FWD_PRENAT_MATCH, Code.HP_FILTERED}
_OF_DNS = {Code.RED53_PARTIAL, Code.RED53_ASYM, Code.RED53_LOOP}
CURABLE = _NEEDS_FORWARD | _NEEDS_HAIRPIN | _NEEDS_ACCEPT | _OF_DNS


@value(frozen=True, slots=True)
class Cure:
    """Changes that together cure ``findings`` of one service at one address, or of redirected DNS.

    ``left`` says why they are not offered after all: what would be worse with them.
    """

    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    left: str = ""


def cures(checked: Checked) -> Iterator[Cure]:
    """For each service with curable findings, the changes that cure them; each walked before it is given."""
    for subject in dict.fromkeys(one.subject for one in checked.findings):
        findings = tuple(_curable(checked, subject))
        if not findings:
            continue
        changes = _needed(checked, subject, findings)
        if changes:
            yield _proven(checked, subject, findings, changes)
        elif subject:
            yield Cure(findings, (), "the zones do not say where the service is")
        else:
            yield Cure(findings, (), "the rule itself has to lead to port 53 of one server")


def redirections(checked: Checked) -> Iterator[tuple[Redirection, Cure]]:
    """What would lead DNS here where nothing does yet, network by network; each walked with those before."""
    made: tuple[Change, ...] = ()
    for one in redirecting.redirections(checked.judgement):
        if one.left:
            yield one, Cure((), (), one.left)
            continue
        after = _after(checked, (*made, *one.changes))
        left = _worse(checked, after) or redirecting.unled(after.judgement, one)
        made = made if left else (*made, *one.changes)
        yield one, Cure((), one.changes, left)


def _curable(checked: Checked, subject: str) -> Iterator[Finding]:
    return (
        one
        for one in checked.findings
        if one.subject == subject and one.code in CURABLE and one.severity > Severity.INFO
    )


def _needed(checked: Checked, subject: str, findings: Sequence[Finding]) -> tuple[Change, ...]:
    if not subject:
        return redirecting.lacking(checked.judgement)
    cells = [cell for cell in checked.judgement.cells if str(cell.service) == subject]
    found = (
        change
        for finding in findings
        for cell in cells
        if cell.told and not cell.works and cell.seen.clients.name in finding.clients
        if cell.seen.clients.kind is not Kind.GATEWAY
        for change in _for(finding.code, cell, _target(cell, cells))
    )
    return tuple(dict.fromkeys(found))


def _for(code: Code, cell: Cell, target: Address | None) -> Iterator[Change]:
    if target is None:
        return
    exposed = cell.service.exposed
    protocol = exposed.public.protocol
    port, to_port = (exposed.public.first, exposed.public.last), (exposed.inside.first, exposed.inside.last)
    if code in _NEEDS_FORWARD and not is_inside(cell.address.packed):
        yield Forward(cell.address, protocol, port, target, to_port)
    if code in _NEEDS_HAIRPIN and _shares_link(cell, target):
        clients = cell.seen.clients
        numbers = clients.network or clients.numbers
        came = clients.interface or ""
        yield Hairpin(numbers, clients.family, target, protocol, to_port, came)
    if code in _NEEDS_ACCEPT:
        outcome = cell.result.outcomes[0]
        act = last_act(outcome, Hook.FORWARD, Hook.POSTROUTING)
        if act is not None and any(stage.where == "reply" for stage in outcome.stages):
            yield AdmitReplies(act.table, act.chain, cell.address.version)
        elif act is not None:
            dropped_by = act.rule.origin if act.rule is not None else None
            yield Admit(act.table, act.chain, target, protocol, to_port, dropped_by)


def _target(cell: Cell, cells: Sequence[Cell]) -> Address | None:
    """Where the service is, in the family of the address; if no zone says so, whom a forward leads to."""
    family = cell.address.version
    meant = [one for one in cell.service.targets if one.version == family]
    if meant:
        return min(meant, key=int)
    for other in (cell, *cells):
        for outcome in other.result.outcomes:
            act = destination_act(outcome) if other.address.version == family else None
            if act is not None and act.rule is not None:
                to = getattr(act.rule.action, "addresses", None)
                if isinstance(to, Numbers) and to.single is not None:
                    return address_of(family, to.single)
    return None


def _shares_link(cell: Cell, target: Address) -> bool:
    """Whether the server answers these clients directly; others' replies cross the gateway anyway."""
    clients = cell.seen.clients
    return clients.kind in (Kind.NETWORK, Kind.HOST) and int(target) in (clients.network or clients.numbers)


# --- The proof ----------------------------------------------------------------------------------------------


def _proven(
    checked: Checked, subject: str, findings: tuple[Finding, ...], changes: tuple[Change, ...]
) -> Cure:
    """The changes, and what more they turn out to need: behind a missing forward, a filter may drop."""
    after = _after(checked, changes)
    for _ in range(MAX_ROUNDS):
        more = _needed(after, subject, tuple(_curable(after, subject)))
        if not set(more) - set(changes):
            break
        changes = tuple(dict.fromkeys((*changes, *more)))
        after = _after(checked, changes)
    still = next(_curable(after, subject), None)
    if still is not None:
        return Cure(findings, changes, f"it would not be enough: {still.code} {still.message}")
    return Cure(findings, changes, _worse(checked, after))


def _worse(checked: Checked, after: Checked) -> str:
    known = {(one.code, one.subject) for one in checked.findings}
    for one in after.findings:
        if one.code is Code.ACCEPT_STALE:
            continue  # what was accepted is gone
        if one.severity > Severity.INFO and (one.code, one.subject) not in known:
            return f"it would be worse: {one.code} {one.message}"
    return ""


def _after(checked: Checked, changes: Sequence[Change]) -> Checked:
    """The check of the gateway with the changes."""
    judgement = checked.judgement
    gateway = judgement.gateway
    mended = replace(gateway, ruleset=with_changes(gateway.ruleset, changes))
    return check(mended, judgement.settings, judgement.loaded)
