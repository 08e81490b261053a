"""The shape of the project: what keeps it readable, and able to stand alone."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.tree import ROOT, files, name

MODULES = files(".py", under="splitdns")
MAX_LINES = 500

# Each outside library has one door, so that it can be replaced and never leaks its types.
DOORS = {
    "dnslib": {"splitdns/wire/message.py"},
    "dns": {
        "splitdns/load/presentation.py",
        "splitdns/forward/response.py",
        "splitdns/forward/dnssec/signatures.py",
    },
    "cryptography": {"splitdns/forward/dnssec/signatures.py"},
    "yaml": {"splitdns/load/marked.py"},
    "pydantic": {
        "splitdns/load/settings.py",
        "splitdns/load/sections.py",
        "splitdns/load/gateway.py",
        "splitdns/load/sources.py",
        "splitdns/load/containers.py",
    },
    "prometheus_client": {"splitdns/serve/exposition.py"},
    "google": {"splitdns/serve/dnstap.py"},
    "httpx2": {
        "splitdns/forward/https.py",
        "splitdns/daemon/wan/fetch.py",
        "splitdns/sources/docker/client.py",
    },
    "re2": {"splitdns/zone.py"},
    "watchfiles": {"splitdns/watch.py"},
    "starlette": {"splitdns/serve/admin.py", "splitdns/web/app.py"},
    "jinja2": {"splitdns/web/drawing.py"},
    "hypercorn": {"splitdns/serve/admin.py"},
    "typer": {"splitdns/cli/"},
    "rich": {"splitdns/cli/"},
}


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_outside_libraries_come_in_by_their_door(module: Path) -> None:
    for imported in _imports(module):
        doors = DOORS.get(imported.partition(".")[0])
        if doors is not None:
            assert any(name(module).startswith(door) for door in doors), f"imports {imported}"


@pytest.mark.parametrize("module", [m for m in MODULES if m.read_text().strip()], ids=name)
def test_every_module_opens_with_its_idea_and_stays_short(module: Path) -> None:
    text = module.read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m.name not in {"__init__.py", "__main__.py"} and m.read_text()], ids=name
)
def test_every_module_has_its_test_file(module: Path) -> None:
    room = module.parent.relative_to(ROOT / "splitdns")
    assert (ROOT / "tests" / "unit" / room / f"test_{module.name}").exists()


@pytest.mark.parametrize("module", [m for m in MODULES if ">>> " in m.read_text()], ids=name)
def test_examples_in_docstrings_run(module: Path) -> None:
    dotted = ".".join(module.relative_to(ROOT).with_suffix("").parts)
    assert doctest.testmod(importlib.import_module(dotted)).failed == 0


def test_ci_runs_what_a_person_runs() -> None:
    ran = (ROOT / ".ci" / "run").read_text()
    dev = (ROOT / "dev").read_text()
    assert "for command in lint types test" in ran
    assert all(command in dev for command in ("ruff check", "shellcheck", "mypy", "lint-imports", "pytest"))


# A path of one machine: a home, a mount, a temporary directory of somebody's.
_MACHINE = re.compile(r"(?<![\w.~$}-])/(?:home|root|Users|work|mnt)/[A-Za-z.]")


@pytest.mark.parametrize("path", files(), ids=name)
def test_no_file_names_a_path_of_one_machine(path: Path) -> None:
    found = _MACHINE.search(path.read_text(errors="replace"))
    assert found is None, f"{found and found[0]}"
