"""What the replay makes of a Dockerfile, and what hadolint says of this project's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.install.dockerfile import Ignored, Instruction, context, expanded, pairs, read
from tests.meta.tree import ROOT

FILE = """\
# A comment.
ARG BASE=debian:13
FROM ${BASE} AS build
RUN one \\
    # within
    && two
COPY --from=build /a /b

FROM $BASE
HEALTHCHECK --interval=30s --timeout=10s \\
    CMD ["splitdns", "health"]
"""


def test_stages_and_their_instructions() -> None:
    build, last = read(FILE)
    assert (build.base, build.name, last.base, last.name) == ("debian:13", "build", "debian:13", None)
    assert build.instructions == (
        Instruction(4, "RUN", {}, "one && two"),
        Instruction(7, "COPY", {"from": "build"}, "/a /b"),
    )
    (health,) = last.instructions
    assert health.options == {"interval": "30s", "timeout": "10s"}
    assert health.text == 'CMD ["splitdns", "health"]'


def test_an_argument_takes_the_place_of_its_default() -> None:
    assert read(FILE, {"BASE": "debian@sha256:0"})[1].base == "debian@sha256:0"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("FROM a\nADD b /\n", "line 2: ADD is not known here"),
        ("RUN a\n", "line 1: expected FROM before RUN"),
        ("FROM a AS\n", "line 1: expected FROM IMAGE"),
        ("FROM a\nRUN b \\\n", "line 2: it does not end"),
    ],
)
def test_what_is_not_known_is_not_skipped(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        read(text)


def test_values() -> None:
    assert expanded("$A-${B}-$C", {"A": "1", "B": "2"}) == "1-2-"
    assert pairs('A=1 B="two words"') == {"A": "1", "B": "two words"}
    with pytest.raises(ValueError, match="found 'B'"):
        pairs("A=1 B")


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("README.md", False),
        ("docs/README.md", True),
        ("splitdns/cli/app.py", False),
        ("splitdns/cli/__pycache__/app.pyc", True),
        ("deploy/image/splitdns.yaml", False),
        ("deploy/compose.yaml", True),
    ],
)
def test_the_last_pattern_that_fits_decides(path: str, covered: bool) -> None:
    text = "# all\n*\n!README.md\n!splitdns\n!deploy/image\n**/__pycache__\n"
    assert Ignored.read(text).covers(PurePosixPath(path)) is covered


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    seen = {str(path) for path in context(ROOT)}
    assert {"constraints.txt", "pyproject.toml", "splitdns/cli/app.py", "deploy/image/splitdns.yaml"} <= seen
    tops = {path.partition("/")[0] for path in seen}
    copied = [
        source
        for stage in read((ROOT / "Dockerfile").read_text())
        for each in stage.instructions
        if each.name == "COPY" and "from" not in each.options
        for source in each.text.split()[:-1]
    ]
    assert tops == {source.partition("/")[0] for source in copied}
    assert not any(path.endswith(".pyc") for path in seen)


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_version_in_the_label_is_the_package_s() -> None:
    from splitdns import __version__

    assert f'org.opencontainers.image.version="{__version__}"' in (ROOT / "Dockerfile").read_text()
    for file in ("compose.yaml", "compose.bridge.yaml"):
        assert f"image: splitdns:{__version__}\n" in (ROOT / "deploy" / file).read_text()
