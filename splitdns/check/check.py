"""The whole check: a gateway and a configuration in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from splitdns.check.acceptance import Accepted, accepted, stale
from splitdns.check.finding import Finding, Severity
from splitdns.check.findings import exposure, hairpins, names, outbound, reach
from splitdns.check.findings import gateway as of_gateway
from splitdns.check.judge import Judgement, judge
from splitdns.check.model import Gateway
from splitdns.check.verdict import Verdict
from splitdns.load.gateway import GatewaySettings
from splitdns.load.load import Loaded, no_garbage_collection
from splitdns.value import value

_KINDS: tuple[Callable[[Judgement], Iterator[Finding]], ...] = (
    reach.find,
    exposure.find,
    names.find,
    outbound.find,
    of_gateway.find,
    hairpins.find,
)


@value(frozen=True, slots=True)
class Checked:
    """``findings`` are in the order of their severity, the worst first, then of their code and subject.

    Those that the configuration accepts are not among them.
    """

    judgement: Judgement
    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...] = ()

    @property
    def inconclusive(self) -> bool:
        """Whether a client is told an address of a service, and nobody can say whether that works."""
        return any(cell.told and cell.verdict is Verdict.MAYBE for cell in self.judgement.cells)

    def status(self, fail_on: Severity) -> int:
        """The exit status (semantics 27): 1 findings, 3 nothing found but not all known, 0 all well."""
        if any(one.severity >= fail_on and one.severity is not Severity.INFO for one in self.findings):
            return 1
        return 3 if self.inconclusive else 0


def also(checked: Checked, findings: Iterable[Finding]) -> Checked:
    """``checked`` with further findings in their order: those of live answers."""
    judgement = checked.judgement
    left, taken = accepted(findings, judgement.settings.accept, judgement.loaded)
    found = tuple(sorted((*checked.findings, *left), key=_order))
    return Checked(judgement, found, (*checked.accepted, *taken))


def check(gateway: Gateway, settings: GatewaySettings, loaded: Loaded) -> Checked:
    """Judge everything, and say what should be known."""
    with no_garbage_collection():  # everything made here stays until the end
        judgement = judge(gateway, settings, loaded)
        found = {(*_order(one), one.clients): one for find in _KINDS for one in find(judgement)}
    left, taken = accepted((found[key] for key in sorted(found)), settings.accept, loaded)
    return Checked(
        judgement,
        tuple(sorted((*left, *stale(settings.accept, taken, loaded)), key=_order)),
        tuple(taken),
    )


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return -finding.severity, finding.code, finding.subject, finding.message
