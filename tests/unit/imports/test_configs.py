"""A configuration as text is read by the loader as it was meant."""

from __future__ import annotations

from splitdns.errors import Where
from splitdns.imports.configs import config
from splitdns.imports.service import ListPlan, Rule, Service, ViewPlan
from splitdns.load.settings import read_settings

HERE = Where("x", 1, 1)


def test_a_service_is_read_as_it_was_meant() -> None:
    service = Service(["127.0.0.1:53"])
    service.views["lan"] = ViewPlan(["10.0.0.0/8"], ("lan", "inside"), True, True, ["plex.direct"], True)
    service.views["world"] = ViewPlan(["any"], ("outside",), recursion=False)
    service.forward += [
        Rule(".", ("9.9.9.9", "149.112.112.112"), HERE, strategy="fastest"),
        Rule("corp.example", ("[fd00::1]:5353",), HERE, ("lan",)),
        Rule("old.example", ("[fd00::1]:5353",), HERE, ("lan",)),
    ]
    service.lists = {"a": ListPlan(action=("refused",), views=("lan",)), "b": ListPlan([], "rpz")}
    service.lists["c"] = ListPlan([], "adblock", ("0.0.0.0", "::"))
    service.querylog = True

    text = config(service, "named.conf")
    settings = read_settings(text, "splitdns.yaml")

    assert text.startswith("# imported from named.conf\n")
    lan, world = settings.views["lan"], settings.views["world"]
    assert (lan.horizon, lan.recursion, lan.validate) == (("lan", "inside"), True, True)
    assert lan.rebinding == "protect"
    assert (world.has_any, world.recursion) == (True, False)
    assert [len(rule.domains) for rule in settings.forward] == [1, 2]
    assert settings.forward[0].strategy == "fastest"
    assert [one.file for one in settings.blocklists] == ["lists/a.txt", "lists/b.rpz", "lists/c.txt"]
    assert settings.querylog
