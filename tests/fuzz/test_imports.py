"""Whatever another server's configuration seems to say, it is imported, or it is a mistake with a place.

And what was imported loads: a mistake that is carried over would be nobody's.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError
from splitdns.imports.sources import SOURCES, imported
from splitdns.imports.zones import Imported
from splitdns.load.load import load
from tests.imports.compared import CASES

MAIN = {path.relative_to(CASES).parts[0]: "" for path in CASES.glob("*/*/*") if path.is_file()}
TEXTS = {
    source: [path.read_text() for path in sorted(CASES.glob(f"{source}/**/*")) if path.is_file()]
    for source in sorted(MAIN)
}
PIECES = [
    "", " ", "\n", "{", "}", "(", ")", "[", "]", "!", "=", ",", '"', "'", "#", "/", "//", "/*", "*/", ":",
    ";", "@", "*",
    "*.", ".", "..", "-", "0", "65536", "99999999999999999999", "any", "none", "A", "AAAA", "CNAME", "TXT",
    "PTR", "192.0.2.1", "10.0.0.0/8", "10.0.0.0/33", "::1", "fd00::/8", "example.com", "a..b", "x" * 64, "\0",
    "\t", "\\", "é", "\u0663", "{" * 50, "0.0.0.0", "localhost", "lan", "false", "null", "~", "include", "$",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, source: str) -> str:
    """A case's text with some pieces put in, taken away, doubled or moved."""
    text = draw(st.sampled_from(TEXTS[source]))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 30)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:to] + text[at:to] + text[to:]
            case _:
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[to:]
    return text


def read(source: str, text: str) -> Imported | None:
    beside = next(iter(sorted(CASES.glob(f"{source}/*"))))
    try:
        made = imported(source, Printed(text, "x.conf"), (), "inside", beside)
    except ExceptionGroup as group:
        for error in group.exceptions:
            assert isinstance(error, ConfigError)
            assert error.where.file
        return None
    assert all(one.message and one.where.file for one in made.left)
    return made


@pytest.mark.parametrize("source", sorted(TEXTS))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_mutated_configuration_loads_or_is_a_mistake(source: str, data: st.DataObject) -> None:
    made = read(source, data.draw(mutated(source)))
    if made is None:
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        files = made.files
        if "splitdns.yaml" not in files:
            files = {f"zones/{one}": text for one, text in files.items()}
            files["splitdns.yaml"] = "forward: []\n"
        for one, text in files.items():
            (directory / one).parent.mkdir(exist_ok=True)
            (directory / one).write_text(text)
        (directory / "zones").mkdir(exist_ok=True)
        loaded = load(directory / "splitdns.yaml", previous=None, generation=1, now_s=1_700_000_000.0)
    assert [str(error) for errors in loaded.faults.values() for error in errors] == []


@pytest.mark.parametrize("source", sorted({*SOURCES} & {*TEXTS}))
@pytest.mark.parametrize("piece", ["(", "{", '"', "a ", "/* ", "a=", "- "])
def test_much_of_one_thing_takes_no_time(source: str, piece: str) -> None:
    started_s = time.process_time()

    read(source, piece * 50_000)
    read(source, f"{piece}\n" * 10_000)

    assert time.process_time() - started_s < 10
