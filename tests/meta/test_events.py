"""The page about logs knows every event that the code tells, at its level, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.meta.tree import ROOT, files

_LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
_ROW = re.compile(r"^\| (`[a-z_.`, ]+`) \| ([^|]+) \|", re.MULTILINE)


def _told(text: str) -> Iterator[tuple[str, str]]:
    """Events of a module with their levels; "" where only the program knows the level.

    An event is a constant: the message of a call of ``log``, or what is handed to a function of the module
    that has a parameter ``event`` and a log call.
    """
    module = ast.parse(text)
    hands_on = {
        node.name: [one.arg for one in node.args.args if one.arg != "self"].index("event")
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and any(one.arg == "event" for one in node.args.args)
        if "log." in ast.unparse(node)
    }
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        match call.func:
            case ast.Attribute(ast.Name("log"), method) if method in (*_LEVELS, "log"):
                at, level = (1, "") if method == "log" else (0, _LEVELS[method])
            case ast.Name(function) | ast.Attribute(ast.Name("self"), function) if function in hands_on:
                at, level = hands_on[function], ""
            case _:
                continue
        match call.args[at]:
            case ast.Constant(str(event)):
                yield event, level
            case ast.Name("event") if hands_on:
                pass
            case other:
                raise AssertionError(f"line {call.lineno}: no event to look up: {ast.unparse(other)}")


def _in_page() -> dict[str, str]:
    page = (ROOT / "docs" / "logging.md").read_text()
    rows = _ROW.findall(page.partition("## Events")[2].partition("\n## ")[0])
    return {event: levels for events, levels in rows for event in re.findall(r"`([a-z_.]+)`", events)}


def test_the_page_has_the_events_of_the_code_at_their_levels() -> None:
    modules = [path for path in files(".py", under="splitdns") if "getLogger" in path.read_text()]
    told = {one for path in modules for one in _told(path.read_text())}
    page = _in_page()

    assert {event for event, _ in told} ^ page.keys() == set()
    assert [(event, level) for event, level in sorted(told) if level not in page[event]] == []


def test_events_are_found_wherever_they_are_told() -> None:
    text = """
def told(level, event): log.log(level, event)
class Eye:
    def look(self, event, times): log.warning(event)
    def may(self, event): return True
    def all(self):
        log.info("a.b", extra={})
        log.exception("c")
        told(ERROR, "d")
        self.may("g") and self.look("e", 7)
        math.log("f")
"""
    assert {*_told(text)} == {("a.b", "info"), ("c", "error"), ("d", ""), ("e", "")}


def test_an_event_that_is_made_up_on_the_way_cannot_be_looked_up() -> None:
    with pytest.raises(AssertionError, match="no event to look up"):
        list(_told("log.info(f'{a}.b')"))
