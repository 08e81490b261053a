from __future__ import annotations

from splitdns.imports.service import Service


def test_a_list_is_made_once_and_takes_no_line_twice_in_a_row() -> None:
    service = Service()

    for line in ("*.a.example", "*.a.example", "b.example"):
        service.list("null", "0.0.0.0", "::").add(line)

    (plan,) = service.lists.values()
    assert plan.lines == ["*.a.example", "b.example"]
    assert (plan.format, plan.action, plan.views) == ("domains", ("0.0.0.0", "::"), ())
