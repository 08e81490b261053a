from __future__ import annotations

from splitdns.check.dialects.ipset import IpSets
from splitdns.check.dialects.ipset_conditions import Memberships
from splitdns.check.dialects.iptables_rule import Reading
from splitdns.check.dialects.iptables_words import Line
from splitdns.check.model import Note, Opaque, Origin, Support, Unknown
from splitdns.errors import Where


def test_what_a_rule_cannot_say_exactly_is_noted_by_name() -> None:
    origin = Origin(Where("rules", 7))
    rule = Reading(Line("rules", 7, "", 4), origin, Memberships(IpSets(), 4))

    assert rule.unknown("limit", "a rate") == Unknown("limit: a rate")
    assert rule.unseen("match x") == Unknown("match x: it is not known here")
    assert rule.opaque("target Y", "a program") == Opaque("target Y: a program")
    assert rule.unseen_target("Z") == Opaque("target Z: it is not known here")
    rule.ignored("target LOG", "it logs")

    assert rule.notes == [
        Note(Support.WIDENED, "limit", origin, "a rate"),
        Note(Support.UNKNOWN, "match x", origin, "it is not known here"),
        Note(Support.WIDENED, "target Y", origin, "a program"),
        Note(Support.UNKNOWN, "target Z", origin, "it is not known here"),
        Note(Support.IGNORED, "target LOG", origin, "it logs"),
    ]
