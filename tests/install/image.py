"""The image without a container engine: each instruction of the Dockerfile replayed in a root of its own.

What stands for what:

- The base, ``python:3.13-slim-trixie``, cannot be had from Debian's mirror. In its place, debootstrap makes a
  minimal Debian 13 with python3 (3.13 too, in /usr instead of /usr/local) and its headers, python3-venv and
  ca-certificates.
- ``RUN`` is a shell in a chroot, in namespaces of its own for mounts and processes, as the stage's user.
- ``COPY`` copies what .dockerignore leaves of this checkout, or files of an earlier stage.
- A container is a chroot on that root, mounted read-only, in namespaces of its own for mounts and processes
  and in a host of a test network for the rest, with the capabilities that Docker would give: a bounding set,
  ``no-new-privileges``, and for a user who is not root nothing else.

There are no layers, no cgroups, no seccomp filter and no overlay file system, and an instruction that is not
known here is an error. How this machine reaches Debian and PyPI is taken from the environment: DEBIAN_MIRROR,
PIP_*, *_proxy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.install import dockerfile
from tests.install.dockerfile import Instruction, Stage, expanded, pairs
from tests.lab.daemon import Daemon
from tests.lab.network import Host

SUITE = "trixie"
PACKAGES = "python3,python3-dev,python3-venv,ca-certificates"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's, where an image sets none
RUN_S = 900.0  # that one instruction may take
START_S = 10.0  # that a container's namespaces may take

_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-c")
_OUTSIDE = re.compile(r"(PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|PIP_DEFAULT_TIMEOUT|https?_proxy|no_proxy)", re.I)

# The root $1, with what every container has: /proc, and a /dev with nothing in it that is a machine's.
_MOUNTS = """\
set -eu
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero random urandom; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
"""
_RUN = f"""\
{_MOUNTS}
for file in resolv.conf hosts; do
    touch "$root/etc/$file"
    mount --bind "$(readlink -f "/etc/$file")" "$root/etc/$file"
done
[ -z "${{PIP_CERT:-}}" ] || cp -L "$PIP_CERT" "$root/dev/this-network.pem"
shift
exec chroot "$root" "$@"
"""
_CONTAINER = f"""\
{_MOUNTS}
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o "$2" run "$root/run/splitdns"
mount --bind "$3" "$root/etc/splitdns"
mount -o remount,bind,ro "$root/etc/splitdns"
mount -o remount,bind,ro "$root"
shift 3
exec chroot "$root" "$@"
"""


@dataclass
class Image:
    """What a build leaves: a root, and how it is meant to be run."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    arguments: dict[str, str] = field(default_factory=dict)  # of the build, and gone after it
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    ports: list[str] = field(default_factory=list)


def make_base(directory: Path, suite: str = SUITE, packages: str = PACKAGES) -> Path:
    """A minimal Debian in ``directory``; as it is unless said, in place of the base image."""
    mirror = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
    base = directory / "base"
    _run(["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(base), mirror])
    return base


@contextmanager
def gone_afterwards(directory: Path) -> Iterator[Path]:
    """A directory for roots, which are too large to be kept as pytest keeps its own."""
    try:
        yield directory
    finally:
        _run(["rm", "-rf", "--one-file-system", str(directory)])


def build(project: Path, base: Path, directory: Path) -> Image:
    """Replay the Dockerfile of ``project``; the image of its last stage.

    Raises:
        AssertionError: an instruction failed; the text says which, and what it printed.
    """
    images: dict[str, Image] = {}
    stages = dockerfile.read((project / "Dockerfile").read_text())
    for number, stage in enumerate(stages):
        root = directory / f"stage-{number}"
        assert stage.base not in images, "a stage on another one is not known to the replay"
        _run(["cp", "-a", "--reflink=auto", str(base), str(root)])
        image = Image(root)
        for instruction in stage.instructions:
            try:
                _do(instruction, image, project, images)
            except (AssertionError, ValueError) as error:
                raise AssertionError(f"Dockerfile:{instruction.line}: {instruction.name}: {error}") from None
        images[_name(stage, number)] = image
    return image


def _name(stage: Stage, number: int) -> str:
    return stage.name or str(number)


def _do(instruction: Instruction, image: Image, project: Path, images: Mapping[str, Image]) -> None:
    known = {**image.arguments, **image.env}
    text = expanded(instruction.text, known)
    match instruction.name:
        case "ARG":
            name, _, default = text.partition("=")
            image.arguments[name] = default
        case "ENV":
            image.env.update(pairs(text))
        case "LABEL":
            image.labels.update(pairs(text))
        case "WORKDIR":
            image.workdir = str(Path(image.workdir, text))
            _under(image.root, image.workdir).mkdir(parents=True, exist_ok=True)
        case "USER":
            image.user = text
        case "EXPOSE":
            image.ports += text.split()
        case "COPY":
            _copy(instruction, image, project, images)
        case "RUN":
            run_in(image, instruction.text)
        case "ENTRYPOINT":
            image.entrypoint = _exec(instruction)
        case "CMD":
            image.command = _exec(instruction)
        case "HEALTHCHECK":
            image.health = json.loads(instruction.text.removeprefix("CMD"))
        case _:
            raise AssertionError("not known to the replay")


def _exec(instruction: Instruction) -> list[str]:
    assert instruction.argv is not None, "expected the exec form, which needs no shell"
    return instruction.argv


def _under(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _copy(instruction: Instruction, image: Image, project: Path, images: Mapping[str, Image]) -> None:
    *sources, target = instruction.text.split()
    into = _under(image.root, str(Path(image.workdir, target)))
    if origin := instruction.options.get("from"):
        (source,) = sources
        _run(["cp", "-a", str(_under(images[origin].root, source)), str(into)])
        return
    copied(project, sources, into, into_directory=target.endswith("/"))


def copied(project: Path, sources: Sequence[str], into: Path, *, into_directory: bool = True) -> None:
    """Copy files and directories of ``project``, as far as .dockerignore leaves them."""
    seen = dockerfile.context(project)
    for source in sources:
        files = [path for path in seen if path.is_relative_to(source)]
        assert files, f"{source}: there is none, or .dockerignore hides it"
        for path in files:
            is_file = str(path) == source
            to = into / path.name if is_file and into_directory else into
            to = to if is_file else into / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / path, to)
            to.chmod(0o755 if os.access(project / path, os.X_OK) else 0o644)


def run_in(image: Image, line: str) -> None:
    """Run a shell's line in the root, with this machine's network."""
    outside = {name: value for name, value in os.environ.items() if _OUTSIDE.fullmatch(name)}
    if "PIP_CERT" in os.environ:
        outside["PIP_CERT"] = "/dev/this-network.pem"
    env = {**outside, **image.arguments, **image.env, "HOME": "/root"}
    _run(
        [
            *(*_UNSHARE, _RUN, "run", str(image.root)),
            *_environment(env, image.workdir),
            *("setpriv", *_as_user(image.user), "--", "sh", "-c", line),
        ]
    )


def _environment(env: Mapping[str, str], workdir: str) -> list[str]:
    return ["env", "-i", f"--chdir={workdir}", *(f"{name}={value}" for name, value in env.items())]


def _as_user(user: str) -> list[str]:
    uid, _, gid = user.partition(":")
    return [f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_S,
    )
    assert done.returncode == 0, f"exited {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


@dataclass(frozen=True)
class Confinement:
    """What an engine is told of a container's privileges, in Docker's words."""

    user: str
    cap_add: tuple[str, ...]

    @property
    def setpriv(self) -> list[str]:
        """A user who is not root gets a bounding set and, without ambient capabilities, nothing of it."""
        bounds = "".join(f",+{name.lower()}" for name in self.cap_add)
        return [
            *("setpriv", *_as_user(self.user), "--no-new-privs", "--inh-caps=-all"),
            *(f"--bounding-set=-all{bounds}", "--"),
        ]


class Container:
    """``argv`` on a read-only root, on the network of ``host``, with ``etc`` at /etc/splitdns."""

    def __init__(
        self, host: Host, image: Image, argv: Sequence[str], confinement: Confinement, etc: Path, tmpfs: str
    ) -> None:
        self._host = host
        self._image = image
        self._confinement = confinement
        self.daemon: Daemon = host.start(
            *(*_UNSHARE, _CONTAINER, "container", str(image.root), tmpfs, str(etc)),
            *_environment(image.env, image.workdir),
            *confinement.setpriv,
            *argv,
        )

    @property
    def first(self) -> int:
        """The process that is process 1 in there."""
        until = time.monotonic() + START_S
        while not (found := children(self.daemon.pid)):
            assert time.monotonic() < until, self.daemon.output
            time.sleep(0.01)
        return found[0]

    def execute(
        self, *argv: str, confinement: Confinement | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in there, as ``docker exec`` and health checks do."""
        return subprocess.run(
            [
                *("nsenter", f"--target={self.first}", "--mount", "--pid", "--net", "--root", "--"),
                *_environment(self._image.env, self._image.workdir),
                *(confinement or self._confinement).setpriv,
                *argv,
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def processes(self) -> list[dict[str, str]]:
        """/proc/PID/status of every process in there."""
        waiting, found = [self.first], []
        while waiting:
            process = waiting.pop()
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            found.append({name: value.strip() for name, _, value in (line.partition(":") for line in lines)})
            waiting += children(process)
        return found


def children(process: int) -> list[int]:
    """The processes that a process started."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
