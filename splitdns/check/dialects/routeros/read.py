"""What ``/export`` prints, as a whole gateway: rules, network, hosts, services.

Of an export nothing may be lost in silence: menus that decide nothing about packets are known by name and
ignored; any other that is not read is named.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros import config as configs
from splitdns.check.dialects.routeros.config import Config
from splitdns.check.dialects.routeros.firewall import TABLES, TOP, items_of, rules_of
from splitdns.check.dialects.routeros.hosts import hosts_of
from splitdns.check.dialects.routeros.interfaces import faces_of
from splitdns.check.dialects.routeros.menus import note_menus
from splitdns.check.dialects.routeros.network import network_of
from splitdns.check.dialects.routeros.rule import marks_of
from splitdns.check.dialects.routeros.services import limits, listens
from splitdns.check.model import Device, Network, Note, Ruleset
from splitdns.errors import ConfigError, Problems, Where


def read(texts: Sequence[Printed], around: Network) -> Device:
    """One device; ``around`` tells addresses of interfaces that lease theirs.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    config = configs.read(texts)
    problems = Problems()
    faces = faces_of(config)
    rules = (item for family in TOP for table in TABLES for item in items_of(config, family, table))
    marks = marks_of(rules)
    if marks.too_many():
        where = Where(texts[0].file, 1, 1)
        problems.error(ConfigError(where, "expected fewer marks than a packet's mark has numbers for"))
    routing = {name: marks.of("routing", name)[1:] for name in marks.routing}
    network = network_of(config, faces, around, routing, problems)
    ruleset = rules_of(config, faces, network, marks, problems)
    refused = limits(config, problems)
    hosts = hosts_of(config, network, problems)
    note_menus(config)
    problems.raise_errors("the configuration is wrong")
    chains = (*ruleset.chains, refused) if refused.rules else ruleset.chains
    told = Ruleset(chains, _notes(config), ruleset.rules)
    return Device(told, network, hosts, listens(config))


def _notes(config: Config) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(config.notes))
