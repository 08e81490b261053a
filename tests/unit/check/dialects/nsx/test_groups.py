"""Sets of addresses and applications, which stand in lists of their own."""

from __future__ import annotations

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.nsx.fields import Reader
from splitdns.check.dialects.nsx.groups import Groups
from splitdns.check.dialects.nsx.values import Traffic
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses

LIST = """\
<list>
  <ipset><objectId>ipset-1</objectId><value>192.0.2.0/24,2001:db8::1,192.0.3.1-192.0.3.4</value></ipset>
  <application><objectId>application-57</objectId><name>web</name>
    <element><applicationProtocol>TCP</applicationProtocol><value>80,443</value></element></application>
  <application><objectId>application-58</objectId><name>ping</name>
    <element><applicationProtocol>ICMP</applicationProtocol><value>echo-request</value></element></application>
  <applicationGroup><objectId>applicationgroup-1</objectId>
    <member><objectId>application-57</objectId></member><member><objectId>applicationgroup-2</objectId></member>
  </applicationGroup>
  <applicationGroup><objectId>applicationgroup-2</objectId>
    <member><objectId>application-58</objectId></member><member><objectId>applicationgroup-1</objectId></member>
  </applicationGroup>
  <applicationGroup><objectId>applicationgroup-3</objectId>
    <member><objectId>application-57</objectId></member><member><objectId>application-99</objectId></member>
  </applicationGroup>
</list>
"""
WEB = Traffic(Numbers.one(6), Numbers.of((80, 80), (443, 443)))
PING = Traffic(Numbers.one(1), icmp_types=Numbers.one(8))


def groups() -> Groups:
    found, reader = Groups(), Reader()
    found.add(xml_places.read(LIST, "groups.xml"), reader)
    assert not reader.problems.errors
    return found


def test_sets_hold_addresses_of_both_families() -> None:
    (four, six) = groups().addresses["ipset-1"].values()
    assert four == addresses("192.0.2.0/24", "192.0.3.1-192.0.3.4")
    assert six.size == 1


def test_groups_of_applications_hold_each_other_and_end() -> None:
    assert groups().traffic("application-57") == (WEB,)
    found = groups().traffic("applicationgroup-1")
    assert found is not None
    assert set(found) == {WEB, PING}


def test_a_group_of_which_a_part_is_not_told_is_not_known() -> None:
    assert groups().traffic("applicationgroup-3") is None
    assert groups().traffic("application-1") is None
