from __future__ import annotations

import ast
from pathlib import Path

from splitdns.check import model, network, rules


def test_the_model_is_all_of_its_two_parts_and_the_gateway() -> None:
    def public(module: object) -> set[str]:
        tree = ast.parse(Path(module.__file__).read_text())  # type: ignore[attr-defined]
        return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}

    assert set(model.__all__) >= public(network) | public(rules) | {"Gateway", "Condition", "Action"}
