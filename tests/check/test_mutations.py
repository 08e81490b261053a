"""Faults put into the walk on purpose: the tests have to notice each of them."""

# ruff: noqa: E501 (a table of code, a line each)

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.tree import ROOT

# What notices: the facts by name, the modules' own tests, and a little brute force.
NAMED = ("netfilter", "answers", "journey", "bridges", "chains", "conditions", "terrain", "translation", "sieve")
TESTS = (
    *(f"tests/unit/check/test_{name}.py" for name in NAMED),
    "tests/check/test_brute_force.py::test_random_gateways",
)

# (name, module, what stands there, what stands there instead)
FAULTS = (
    ("NAT before mangle", "netfilter", "{Hook.PREROUTING: -100, Hook.OUTPUT", "{Hook.PREROUTING: -180, Hook.OUTPUT"),
    ("tracking before raw", "netfilter", "-_LAST, Priority.CONNTRACK, ended)\n        flows = [tracked(one", "-_LAST, -_LAST, ended)\n        flows = [tracked(one"),
    ("NAT chains for every packet", "netfilter", "if flow.state is not State.NEW:\n", "if flow.state is State.RELATED:\n"),
    ("the last binding wins", "netfilter", "yield _bound(part, destination)", "after.append(part)"),
    ("an accept protects from other NAT chains", "netfilter", "if fate is Fate.BOUND:", "if fate is not Fate.RETURNED:"),
    ("equal priorities in order", "netfilter", "(chain.priority, -at, table", "(chain.priority, at, table"),
    ("no policies", "netfilter", "fate is Fate.RETURNED and not rules.chain.accepts", "False"),
    ("no way without forwarding", "netfilter", "self.terrain.forwards is not False:", "True:"),
    ("output routes once", "netfilter", "flow.header.destination != before.header.destination or flow.mark", "False"),
    ("untracked is tracked", "netfilter", "if flow.state is State.UNTRACKED:\n        return flow", "pass"),
    ("half a connection is established", "netfilter", "State.ESTABLISHED if flow.connection.replied else State.INVALID", "State.ESTABLISHED"),
    ("an answer is new", "netfilter", "if sent is Sent.ANSWER and protocol & _ONLY_NEW_BY_REQUEST:", "if False:"),
    ("a frame always finds a port", "answers", "if is_apart or may_turn:", "if True:"),
    ("rules always see frames", "bridges", "return self._sees_frames if flow.sees_frames is None", "return True if flow.sees_frames is None"),
    ("names of interfaces are not negated", "conditions", "return found is not condition.negated", "return found"),
    ("sets of tuples are not negated", "conditions", "return (no, yes) if negated else (yes, no)\n        case Unknown", "return yes, no\n        case Unknown"),
    ("the unknown never holds", "conditions", "return [unsure], [unsure]", "return [], [flow]"),
    ("ports of all protocols", "conditions", "yes, no = _on(flow, flow.header.protocol, protocols)\n    if not yes:", "yes, no = [flow], []\n    if not yes:"),
    ("all states are one", "conditions", "return _all_or_none(flow, flow.state in states)", "return [flow], []"),
    ("the last match decides", "sieve", "lowest = maybe & -maybe", "lowest = 1 << maybe.bit_length() - 1"),
    ("a goto comes back", "chains", "None if returns and fate is Fate.RETURNED", "None if fate is Fate.RETURNED"),
    ("a return accepts", "chains", "yield Fate.RETURNED, flow\n            case Jump", "yield Fate.ACCEPTED, flow\n            case Jump"),
    ("marks pile up", "chains", "flow.mark & ~action.mask ^ value", "flow.mark | value"),
    ("ports are shifted by one too many", "translation", "ref[1] + to.first - start)", "ref[1] + to.first - start + 1)"),
    ("a port in the range is changed", "translation", "if already is not None:  # a port within the range is kept\n        yield already, ref", "if already is not None:\n        yield already.choose(to)"),
    ("a netmap forgets the host", "translation", "moved = (ref[0], ref[1] + target - block)", "moved = (-1, target)"),
    ("replies keep their destination", "translation", "header = header._replace(destination=connection.original.source)", "pass"),
    ("replies keep their source", "translation", "header = header._replace(source=connection.original.destination)", "pass"),
    ("redirect to the last address", "terrain", "return numbers_of(addresses[0]) if addresses", "return numbers_of(addresses[-1]) if addresses"),
    ("redirect in output to another loopback", "terrain", '"127.0.0.1" if self.family == 4', '"127.0.0.2" if self.family == 4'),
    ("masquerade as the first address", "terrain", "flow.header.destination if flow.via is None else (CONSTANT, flow.via)", "(CONSTANT, 0)"),
    ("every reverse path is right", "terrain", "(hop.interface == name or mode == 2)", "True"),
    ("our own address as a source", "terrain", "if self.family == 4 and rest is not None:\n            martian", "if False:\n            martian"),
    ("the highest metric", "terrain", "if one.metric < metric:", "if one.metric > metric:"),
    ("policy rules backwards", "terrain", "sorted(policy, key=lambda rule: rule.priority)", "sorted(policy, key=lambda rule: -rule.priority)"),
    ("servers answer by the gateway", "neighbours", "Way(To.GATEWAY if apart else To.LINK, name)", "Way(To.GATEWAY, name)"),
    ("nobody meets himself", "answers", "if way.to is To.ITSELF:", "if False:"),
    ("the client takes any answer", "answers", "for at in range(len(wanted)):", "for at in range(1, len(wanted)):"),
    ("a handshake of two packets", "answers", "if flow.passed & FORWARD:", "if False:"),
    ("everything listens", "answers", "if listens is None or self._is_icmp:", "if True:"),
)  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, where faults hurt nobody."""
    there = tmp_path_factory.mktemp("mutant")
    for name in ("splitdns", "tests"):
        shutil.copytree(ROOT / name, there / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", there)
    return there


def _tests(there: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", *TESTS]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=there, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_without_a_fault_all_is_green(copy: Path) -> None:
    done = _tests(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("module", "old", "new"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_a_fault_is_noticed(copy: Path, module: str, old: str, new: str) -> None:
    path = copy / "splitdns" / "check" / f"{module}.py"
    right = path.read_text()
    assert right.count(old) == 1, f"{module} has it {right.count(old)} times: {old}"
    path.write_text(right.replace(old, new))
    try:
        done = _tests(copy)
    finally:
        path.write_text(right)
    assert done.returncode == 1, done.stdout  # tests failed; 2 would be that they could not be run


def test_every_fault_still_has_its_place() -> None:
    gone = [
        name
        for name, module, old, _ in FAULTS
        if (ROOT / "splitdns" / "check" / f"{module}.py").read_text().count(old) != 1
    ]
    assert gone == []


def test_there_are_faults_enough() -> None:
    assert len({one[0] for one in FAULTS}) == len(FAULTS) >= 30
