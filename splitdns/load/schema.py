"""The JSON Schema of ``splitdns.yaml`` for editors, its descriptions taken from the source.

A setting's documentation is the string beneath its field. It is read from the source only here: pydantic's
own way reads it whenever the models are imported, and serving has no use for it.
"""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from pathlib import Path
from typing import Any

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def described(schema: dict[str, Any], *sources: str) -> dict[str, Any]:
    """``schema``, as pydantic makes it, with title and descriptions from the files ``sources``."""
    texts: dict[str, dict[str, str]] = {}
    for source in sources:
        texts |= field_texts(Path(source).read_text())
    for name, section in [("Settings", schema), *schema.get("$defs", {}).items()]:
        section.pop("title", None)
        for field, value in section.get("properties", {}).items():
            value.pop("title", None)
            value["description"] = texts[name][field]
            if value.get("default") in ({}, [], None):  # nothing is no news
                value.pop("default", None)
            if "patternProperties" in value:
                value["additionalProperties"] = False
    title = {"$schema": DRAFT, "title": "splitdns.yaml", "description": "The configuration of splitdns."}
    return title | {key: value for key, value in schema.items() if key != "description"}


def field_texts(source: str) -> dict[str, dict[str, str]]:
    """By class and field, the string beneath the field, on one line."""
    classes = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_texts(node.body)) for node in classes}


def _texts(body: list[ast.stmt]) -> list[tuple[str, str]]:
    found = []
    for field, text in pairwise(body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(documentation))),
            ):
                found.append((name, " ".join(inspect.cleandoc(documentation).split())))
    return found
