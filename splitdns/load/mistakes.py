"""pydantic's mistakes in the words of every other error: where, what was expected, what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from splitdns.errors import Where
from splitdns.load.configvalues import shown
from splitdns.load.marked import Document
from splitdns.load.sections import Section

# What pydantic calls a mistake, and what was expected; {} are its own details.
_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length}",
}
_CHIEF = ("listen", "ipv4", "ipv6")  # settings that somebody may mean who writes one value for their section


def in_our_words(document: Document, schema: type, error: Mapping[str, Any]) -> tuple[Where, str]:
    """Where a mistake is in ``document``, and what to tell a person; ``error`` is one of ``errors()``."""
    path, found, details = error["loc"], error["input"], error.get("ctx", {})
    *around, last = path or ("",)
    match error["type"]:
        case "value_error" if last == "[key]":
            return document.where_key(tuple(around)), str(details["error"])
        case "value_error":
            return document.where(path), str(details["error"])
        case "missing":
            return document.where_key(tuple(around)), f"expected the setting {last!r} here, found none"
        case "extra_forbidden":
            return document.where_key(path), _unknown(str(last), list(_fields(_section(schema, around))))
        case "tuple_type" if isinstance(found, str | int):
            return document.where(path), f"expected a list, found {shown(found)}; a list of it is [{found}]"
        case "model_type":
            meant = _meant(_section(schema, path), found)
            return document.where(path), f"expected a mapping, found {shown(found)}{meant}"
        case "literal_error":
            expected = str(details["expected"]).replace("'", "")
            return document.where(path), f"expected {expected}, found {shown(found)}"
    expected = _EXPECTED.get(error["type"], "another value").format_map(details)
    return document.where(path), f"expected {expected}, found {shown(found)}"


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, 1)
    meant = f"; is {near[0]!r} meant?" if near else ""
    return f"{key!r} is not a setting here; known: {', '.join(known)}{meant}"


def _meant(section: type, found: Any) -> str:
    """The section that has ``found`` in it, where there is one that would be right."""
    if not issubclass(section, Section):
        return ""
    for name in _CHIEF:
        field = section.model_fields.get(name)
        if field is None or found == field.default:  # what is so anyway needs no section
            continue
        try:
            section.model_validate({name: found})
        except ValueError:  # as pydantic's own mistakes are
            continue
        value = "null" if found is None else repr(found) if str(found).startswith(("[", ":")) else found
        return f"; is {{{name}: {value}}} meant?"
    return ""


def _section(schema: type, path: Sequence[int | str]) -> type:
    """The section that a path leads to; list indices and names of views are no fields."""
    for step in path:
        if (field := _fields(schema).get(str(step))) is not None:
            schema = next(_sections(field.annotation), schema)
    return schema


def _sections(annotation: Any) -> Iterator[type]:
    if _fields(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections(argument)


def _fields(section: Any) -> Mapping[str, Any]:
    """The fields of a section, as pydantic lists them; none of anything else."""
    fields: Mapping[str, Any] = getattr(section, "model_fields", {})
    return fields
