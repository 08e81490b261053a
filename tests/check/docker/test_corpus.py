"""Compose files that none of us wrote are read, and lead to every port that they publish."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects import docker_compose
from splitdns.check.dialects.docker_rules import onto
from splitdns.check.model import Ruleset, Translate
from tests.meta.tree import ROOT

CORPUS = ROOT.parent / "shared" / "corpus" / "docker-compose"
FILES = sorted(CORPUS.glob("*")) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="no corpus here")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_real_compose_file_leads_to_every_port_that_it_publishes(path: Path) -> None:
    published = docker_compose.read(path.read_text(), path.name)

    ruleset = onto([published], Ruleset())

    led = [rule for chain in ruleset.chains for rule in chain.rules if isinstance(rule.action, Translate)]
    assert len(led) == len(published.ports) > 0
    assert {note.name for note in published.notes} <= {"address of a container"}
