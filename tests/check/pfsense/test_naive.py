"""The order of filter rules, against pf as pf.conf(5) tells it: all are asked, and the last match decides.

A list of rules is evaluated here one by one, with ``quick`` as the only way out; the model, which asks them
as first matches, must come to the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.check.gateways import ended
from tests.check.pfsense.configs import DMZ_WEB, IN_LAN, config, gateway, rule

VERDICTS = {"pass": "ok-routed dmz-web", "block": "dropped", "reject": "refused"}
GROUP = "<ifgroups><ifgroupentry><ifname>inside</ifname><members>lan opt1</members></ifgroupentry></ifgroups>"


@dataclass(frozen=True)
class Asked:
    """A rule; ``interface`` empty: every one, which only a floating rule may say."""

    kind: str
    interface: str
    port: str
    floating: bool
    quick: bool
    direction: str

    @property
    def text(self) -> str:
        more = ""
        if self.floating:
            more = f"<floating>yes</floating><direction>{self.direction}</direction>"
            more += "<quick>yes</quick>" if self.quick else ""
        to = f"<any/><port>{self.port}</port>" if self.port else "<any/>"
        return rule(self.interface, "<any/>", to, kind=self.kind, protocol="tcp", more=more)

    @property
    def rank(self) -> int:
        """Floating rules, groups, interfaces."""
        return 0 if self.floating else 1 if self.interface == "inside" else 2

    def matches(self, interface: str, port: str, direction: str) -> bool:
        on = self.interface in ("", interface, "inside")
        way = self.direction if self.floating else "in"
        return on and way in (direction, "any") and self.port in ("", port)


def by_hand(rules: list[Asked], port: str) -> str:
    """What pf does with a connection from the LAN to the DMZ."""
    verdict = ""
    for interface, direction, default in (("lan", "in", "block"), ("opt1", "out", "pass")):
        verdict = default
        for one in sorted(rules, key=lambda one: one.rank):
            if one.matches(interface, port, direction):
                verdict = one.kind
                if one.quick or not one.floating:
                    break
        if verdict != "pass":
            return verdict
    return verdict


asked = st.builds(
    Asked,
    st.sampled_from([*VERDICTS]),
    st.sampled_from(["lan", "opt1", "wan", "inside"]),
    st.sampled_from(["", "443", "80"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["in", "out", "any"]),
)
everywhere = st.builds(
    Asked,
    st.sampled_from([*VERDICTS]),
    st.just(""),
    st.sampled_from(["", "443"]),
    st.just(True),
    st.booleans(),
    st.sampled_from(["in", "out", "any"]),
)


@given(st.lists(asked | everywhere, max_size=7))
@settings(max_examples=200, deadline=None)
def test_the_model_decides_as_pf_does(rules: list[Asked]) -> None:
    text = config(filters="".join(one.text for one in rules), more=GROUP)

    assert ended(gateway(text), IN_LAN, at=DMZ_WEB) == VERDICTS[by_hand(rules, "443")], text
