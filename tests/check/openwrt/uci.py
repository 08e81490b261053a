"""``uci`` in small: what its commands do to the text that ``uci export`` prints."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

_LOAD = re.compile(r"uci commit firewall && service firewall restart  # \S+")


@dataclass
class Section:
    kind: str
    name: str | None
    options: dict[str, str | list[str]] = field(default_factory=dict)


Config = dict[str, list[Section]]


def run(text: str, commands: Sequence[str]) -> str:
    """``text`` after ``commands``; none that it does not know."""
    config = parse(text)
    for line in commands:
        if _LOAD.fullmatch(line):
            continue
        uci, verb, words = shlex.split(line)
        assert uci == "uci", line
        path, _, value = words.partition("=")
        package, at, *option = path.split(".")
        sections = config[package]
        if verb == "set" and not option:
            assert _find(sections, at) is None, line
            assert re.fullmatch(r"[A-Za-z0-9_]+", at), line
            sections.append(Section(value, at))
            continue
        section = _find(sections, at)
        assert section is not None, line
        if verb == "set":
            section.options[option[0]] = value
        elif verb == "add_list":
            held = section.options.setdefault(option[0], [])
            assert isinstance(held, list), line
            held.append(value)
        elif verb == "delete" and option:
            del section.options[option[0]]
        elif verb == "delete":
            sections.remove(section)
        else:
            assert verb == "reorder", line
            sections.remove(section)
            sections.insert(int(value), section)
    return export(config)


def _find(sections: list[Section], called: str) -> Section | None:
    match = re.fullmatch(r"@(\w+)\[(-?\d+)\]", called)
    if match:
        return [one for one in sections if one.kind == match[1]][int(match[2])]
    return next((one for one in sections if one.name == called), None)


def parse(text: str) -> Config:
    config: Config = {}
    sections: list[Section] = []
    for line in text.splitlines():
        match shlex.split(line):
            case ["package", name]:
                sections = config.setdefault(name, [])
            case ["config", kind, *name]:
                sections.append(Section(kind, name[0] if name else None))
            case ["option", name, value]:
                sections[-1].options[name] = value
            case ["list", name, value]:
                held = sections[-1].options.setdefault(name, [])
                assert isinstance(held, list)
                held.append(value)
            case []:
                pass
            case _:
                raise AssertionError(line)
    return config


def export(config: Config) -> str:
    lines: list[str] = []
    for package, sections in config.items():
        lines += [f"package {package}", ""]
        for one in sections:
            lines.append(f"config {one.kind}" + (f" '{one.name}'" if one.name else ""))
            for name, value in one.options.items():
                if isinstance(value, list):
                    lines += [f"\tlist {name} '{item}'" for item in value]
                else:
                    lines.append(f"\toption {name} '{value}'")
            lines.append("")
    return "\n".join(lines)
