"""What a person does with the steps for pfSense and OPNsense: the pieces go into config.xml, or out of it.

A piece is put first into its section; a rule is deleted by its description. Whatever else the lines ask for
is an error, so that nothing is done that they do not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PIECE = re.compile(r"<(nat|filter)>(?:<(outbound)>)?(<rule>.*</rule>)(?:</outbound>)?</\1>")
_DELETE = re.compile(r"# (?:Firewall › .*): delete the rule \"(.*)\"")
_ADD = re.compile(r"# Firewall › .* › Add, to the top: .*; Description: (.*)")
_ASIDE = re.compile(r"# Save, and Apply Changes|# the same in config\.xml .*, each the first of its section:")


def edited(text: str, lines: Sequence[str]) -> str:
    """``text`` of a config.xml after ``lines``."""
    told = set()
    for line in lines:
        if piece := _PIECE.fullmatch(line):
            section = piece[2] or piece[1]
            assert section != "outbound" or "<mode>hybrid</mode>" in text, "the mode is another"
            assert text.count(f"<{section}>\n") == 1, section
            text = text.replace(f"<{section}>\n", f"<{section}>\n{piece[3]}\n")
            told.add(re.search("<descr>(.*)</descr>", piece[3])[1])  # type: ignore[index]
        elif delete := _DELETE.fullmatch(line):
            rule = re.compile(rf"<rule>.*<descr>{re.escape(delete[1])}</descr></rule>\n")
            text, count = rule.subn("", text)
            assert count == 1, line
        else:
            assert _ADD.fullmatch(line) or _ASIDE.fullmatch(line), line
    added = [match[1] for line in lines if (match := _ADD.fullmatch(line))]
    assert set(added) == told, "steps and pieces differ"
    return text
