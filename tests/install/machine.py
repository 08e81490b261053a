"""A Debian that boots: systemd as process 1 in a root of its own, on a host of a test network.

What stands for what: the root is made by debootstrap and is no virtual machine, the kernel is this one's. It
has namespaces of its own for mounts, processes, IPC, its name and its cgroups, a /dev with nothing of a
machine's, and a cgroup of version 2 to itself. So systemd does all that a unit asks for: users, sandboxes,
seccomp filters, the watchdog. Limits of resources may be missing, where this machine has its controllers in
version 1.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.install.image import Image, children, copied, make_base, run_in
from tests.lab.daemon import Daemon
from tests.lab.network import Host
from tests.meta.tree import ROOT

PACKAGES = "python3,python3-venv,ca-certificates,systemd,systemd-sysv,procps"
BOOT_S = 60.0

_BOOT = """\
set -eu
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=755 run "$root/run"
exec chroot "$root" env -i container=other PATH=/usr/sbin:/usr/bin \
    /lib/systemd/systemd --log-target=console --show-status=no
"""


def make_root(directory: Path, suite: str) -> Path:
    """A Debian with systemd, and this project as docs/systemd.md installs it."""
    root = make_base(directory, suite, PACKAGES)
    image = Image(root, workdir="/opt/splitdns")
    copied(ROOT, ["constraints.txt", "pyproject.toml", "README.md", "LICENSE"], root / "opt" / "splitdns")
    copied(ROOT, ["splitdns"], root / "opt" / "splitdns" / "splitdns")
    run_in(image, "python3 -m venv .venv && .venv/bin/pip install --no-cache-dir -c constraints.txt .")
    return root


class Machine:
    """``root`` booted on ``host``; stopped by ``close``."""

    def __init__(self, host: Host, root: Path) -> None:
        self._cgroup = _own_cgroup()
        # Not by `ip netns exec`, whose /sys is without cgroups.
        argv = [
            *("sh", "-c", f'set -e; echo $$ >"{self._cgroup}/cgroup.procs"; exec "$@"', "join"),
            *("nsenter", f"--net=/run/netns/{host.namespace}", "--"),
            *("unshare", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child"),
            *("sh", "-c", _BOOT, "boot", str(root)),
        ]
        self.daemon = Daemon(argv, host.directory / f"{host.name}.systemd.log")

    def run(self, *argv: str, check: bool = True) -> str:
        """What a command in there prints, without the last line feed."""
        done = subprocess.run(
            ["nsenter", f"--target={self._first}", "--mount", "--pid", "--ipc", "--root", "--wd=/", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0 or not check, f"{argv} exited {done.returncode}: {done.stdout}"
        return done.stdout.strip()

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit; nothing while systemd cannot tell."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit, check=False)

    def until(self, true: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + BOOT_S
        while not true():
            assert self.daemon.running, self.daemon.output
            assert time.monotonic() < until, f"{what}: {self.run('journalctl', '-n50', check=False)}"
            time.sleep(0.2)

    @property
    def _first(self) -> int:
        """systemd, which is process 1 in there; ``unshare`` waits for it."""
        until = time.monotonic() + BOOT_S
        while not (found := children(self.daemon.pid)):
            assert self.daemon.running, self.daemon.output
            assert time.monotonic() < until, self.daemon.output
            time.sleep(0.01)
        return found[0]

    def close(self) -> None:
        (self._cgroup / "cgroup.kill").write_text("1")
        self.daemon.stop()
        until = time.monotonic() + BOOT_S
        while "populated 1" in (self._cgroup / "cgroup.events").read_text():
            assert time.monotonic() < until, "processes that do not die"
            time.sleep(0.05)
        for top, _, _ in os.walk(self._cgroup, topdown=False):
            Path(top).rmdir()


def hierarchy() -> Path | None:
    """Where cgroups of version 2 are mounted, if they can be made here."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(",") and os.access(place, os.W_OK):
            return Path(place)
    return None


def _own_cgroup() -> Path:
    top = hierarchy()
    assert top is not None
    own = top / f"splitdns-test-{os.getpid()}-{time.monotonic_ns()}"
    own.mkdir()
    return own
