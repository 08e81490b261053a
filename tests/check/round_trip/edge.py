"""An edge gateway that does what printed lines have it do: its API, and a person at its web interface."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DELETED = re.compile(r"# \w+: delete every rule whose (name|description) is (\w+), and publish the changes")
_POSTED = re.compile(
    r"curl --config edge\.curl -H 'Content-Type: application/xml' "
    r"\"\$EDGE/(?P<of>nat|firewall)/config/rules(?:\?aboveRuleId=(?P<above>\d+))?\" "
    r"-d '<(?P<tag>\w+)s>(?P<rule><(?P=tag)>.*</(?P=tag)>)</(?P=tag)s>'"
)


def edited(text: str, lines: Sequence[str]) -> str:
    """The edge's XML, with each rule above the one that the line names, or last."""
    for line in lines:
        if deleted := _DELETED.fullmatch(line):
            name = f"<{deleted[1]}>{deleted[2]}</{deleted[1]}>"
            text = "".join(one for one in text.splitlines(True) if name not in one)
            continue
        posted = _POSTED.fullmatch(line)
        assert posted, line
        tag, above = posted["tag"], posted["above"]
        if above is None:
            before = text.rindex(f"</{tag}s>")
        else:
            before = text.rindex(f"<{tag}>", 0, text.index(f">{above}<"))
        at = text.rindex("\n", 0, before) + 1
        text = f"{text[:at]}{posted['rule']}\n{text[at:]}"
    return text
