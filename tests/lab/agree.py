"""Kernel and walk side by side: every connection of a plan made in earnest, and judged from the exports.

A case is one gateway, service and client. Kernel and walk agree where verdict, host, port and the source that
the server saw are the same; a MAYBE is no agreement, and no disagreement either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitdns.check.model import Gateway
from splitdns.check.sets import address_of
from splitdns.check.verdict import Outcome, Result, Verdict
from tests.lab.built import Built, built
from tests.lab.ending import Ending, ending
from tests.lab.loaded import script
from tests.lab.modelled import Modelled, around, modelled, walked
from tests.lab.observe import Observation, Probe
from tests.lab.plan import GATEWAY, Plan

PATIENT_S = 0.6  # a connection that kernel and walk see differently is made once more, with more patience


@dataclass(frozen=True)
class Case:
    """``meant``: whom the connection was for ("": nobody says)."""

    meant: str
    seen: Observation
    kernel: Ending
    walk: Ending
    result: Result

    @property
    def is_maybe(self) -> bool:
        return self.walk.verdict is Verdict.MAYBE

    @property
    def agrees(self) -> bool:
        return self.kernel == self.walk

    @property
    def verdict(self) -> Verdict:
        """The kernel's, with the wrong host named as such."""
        verdict = self.kernel.verdict
        return Verdict.WRONG_HOST if verdict.works and self.meant not in {"", self.kernel.host} else verdict

    def __str__(self) -> str:
        stages = [
            f"  {stage.where}: {stage.says} {'; '.join(act.what for act in stage.acts)}"
            for outcome in self.result.outcomes
            for stage in outcome.stages
        ]
        said = "\n".join([*stages, *(f"  because: {reason}" for reason in self.result.reasons)])
        return f"kernel: {self.kernel}\nwalk:   {self.walk}\n{self.seen}\n{said}"


def probes(plan: Plan) -> Iterator[tuple[str, Probe]]:
    """Every connection of ``plan``, and whom it is meant for."""
    for ask in plan.asks:
        for source in ask.sources:
            address = None if source == GATEWAY else _address(plan, source)
            yield ask.meant, Probe(source, ask.destination, ask.protocol, ask.port, address)


def _address(plan: Plan, client: str) -> str:
    """The first; of the host that is the whole internet, the one beyond the provider's network."""
    return plan.host(client).addresses[1 if client == "visitor" else 0]


def cases(plan: Plan) -> list[Case]:
    """Build ``plan``, connect, and ask the walk."""
    with built(plan) as network:
        model = modelled(plan, network.exports())
        return _cases(network, model, plan)


def rewritten(plan: Plan) -> list[Case]:
    """The same, with the rules that the model has of the gateway loaded in the place of the gateway's own.

    Raises:
        UnsaidError: the model does not know what the gateway does, or it cannot be loaded.
    """
    with built(plan) as network:
        model = modelled(plan, network.exports())
        rules = script(model.gateway.ruleset)
        network.gateway.run("nft", "flush", "ruleset")
        network.gateway.run("nft", "-f", "-", text_in=rules)
        return _cases(network, model, plan)


def played(plan: Plan, device: Gateway) -> list[Case]:
    """The same around a device that is told by its own files, whose model is loaded.

    Raises:
        UnsaidError: as ``rewritten``.
    """
    with built(plan) as network:
        network.gateway.run("nft", "-f", "-", text_in=script(device.ruleset))
        return _cases(network, around(plan, device), plan)


def _cases(network: Built, model: Modelled, plan: Plan) -> list[Case]:
    asked = list(probes(plan))
    seen = network.observatory.observe(probe for _, probe in asked)
    found = [
        _case(meant, one, network, model) for (meant, _), one in zip(asked, seen, strict=True)
    ]
    again = [at for at, one in enumerate(found) if not one.agrees and not one.is_maybe]
    if again:
        repeated = network.observatory.observe([asked[at][1] for at in again], PATIENT_S)
        for at, one in zip(again, repeated, strict=True):
            found[at] = _case(asked[at][0], one, network, model)
    return found


def _case(meant: str, seen: Observation, network: Built, model: Modelled) -> Case:
    result = model.result(seen)
    kernel, walk = ending(seen, GATEWAY, network.owns, network.bridges), walked(result, network.plan)
    if len(result.outcomes) == 1:
        kernel, walk = _without_nobody(kernel, walk, result.outcomes[0], network, seen)
    return Case(meant, seen, kernel, walk, result)


def _without_nobody(
    kernel: Ending, walk: Ending, outcome: Outcome, network: Built, seen: Observation
) -> tuple[Ending, Ending]:
    """The walk takes it that somebody has an address on a link, of whom it knows nothing; here, nobody may.

    Of frames that a bridge redirects, and of what is not tracked, no trace is left then but whom the gateway
    looked for. A bridge looks before it asks the rules, so that such a frame is not refused by one either.
    """
    lost = Ending(Verdict.NO_ROUTE)
    arrived, redirected = (_destination(outcome, where) for where in ("server", "prerouting"))
    owned = {address for addresses in network.owns.values() for address in addresses}
    if arrived and arrived not in owned:
        walk = lost
    if kernel.verdict is Verdict.DROPPED:
        if walk == lost and arrived in seen.sought:
            kernel = lost
        elif walk.verdict is Verdict.REFUSED and redirected in seen.sought - owned:
            kernel = walk = lost
    return kernel, walk


def _destination(outcome: Outcome, where: str) -> str:
    """The address to which the packets go from the first stage there, if it is one."""
    stages = [stage.packets for stage in outcome.stages if stage.where == where]
    if not stages or stages[0].destination.single is None:
        return ""
    return str(address_of(stages[0].family, stages[0].destination.first))
