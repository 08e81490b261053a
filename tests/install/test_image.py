"""The image is built from its Dockerfile, and runs as deploy/ has it run: on port 53, and not as root."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.compose import Service, service
from tests.install.image import Confinement, Container, Image, build, gone_afterwards, make_base
from tests.lab.dig import dig
from tests.lab.network import Host, Network
from tests.meta.tree import ROOT

SERVER = "192.168.1.53"
WAN = "203.0.113.7"  # the same host's other side
NET_BIND_SERVICE = f"{1 << 10:016x}"  # capability 10 of linux/capability.h
NONE = f"{0:016x}"
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
READY_S = 60.0

CONFIG = """\
listen: ["0.0.0.0:53", "[::]:53"]
workers: 2
views:
  lan:      {clients: [192.168.1.0/24, 127.0.0.0/8], horizon: [inside], recursion: true}
  internet: {clients: [any], horizon: [outside]}
zones: [zones/]
forward: []
admin: {listen: "127.0.0.1:9153"}
"""
ZONE = "zone: example.com\nns: [ns1]\nrecords:\n  www: {A: {inside: 192.168.1.%d, outside: 203.0.113.7}}\n"

pytestmark = [
    pytest.mark.long,
    pytest.mark.root,
    pytest.mark.needs("debootstrap", "unshare", "setpriv", "nsenter", "dig", "ip"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with gone_afterwards(tmp_path_factory.mktemp("debian")) as directory:
        yield make_base(directory)


@pytest.fixture(scope="module")
def image(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    with gone_afterwards(tmp_path_factory.mktemp("image")) as directory:
        yield build(ROOT, base, directory)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """What an admin has in /etc/splitdns."""
    tmp_path.chmod(0o755)
    etc = tmp_path / "etc"
    (etc / "zones").mkdir(parents=True)
    (etc / "splitdns.yaml").write_text(CONFIG)
    (etc / "zones" / "example.com.yaml").write_text(ZONE % 20)
    return etc


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host, Host]]:
    """The container host, a client beside it and one on the internet."""
    with Network() as network:
        host, laptop, stranger = network.hosts("host", "laptop", "stranger")
        lan = network.bridge("lan")
        lan.plug(host, "eth0", f"{SERVER}/24")
        lan.plug(laptop, "eth0", "192.168.1.10/24")
        network.link((host, "wan0", [f"{WAN}/24"]), (stranger, "eth0", ["203.0.113.99/24"]))
        yield host, laptop, stranger


def started(host: Host, image: Image, run: Service, etc: Path) -> Container:
    """The container, once it is healthy."""
    container = Container(host, image, run.argv(image), run.confinement(image), etc, run.tmpfs)
    until = time.monotonic() + READY_S
    while container.execute(*run.health(image)).returncode:
        assert container.daemon.running, container.daemon.output
        assert time.monotonic() < until, container.daemon.output
        time.sleep(0.5)
    return container


def addresses(client: Host, server: str = SERVER) -> list[str]:
    return [line.split()[-1] for line in dig(client, server, [("www.example.com", "A")])[0].answer]


def test_the_image_says_how_it_is_run(image: Image) -> None:
    assert image.user == "10053:10053"
    assert (image.entrypoint, image.command) == (["splitdns"], ["serve"])
    assert image.health == ["splitdns", "health"]
    assert image.labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert image.ports == ["53/udp", "53/tcp", "9153/tcp"]


def test_nothing_that_only_builds_is_in_the_image(image: Image) -> None:
    assert not (image.root / "tools").exists()
    assert not (image.root / "src").exists()
    packages = image.root.glob("opt/splitdns/lib/python3*/site-packages/*")
    assert {"pip", "setuptools", "pytest", "mypy"}.isdisjoint(path.name for path in packages)
    assert not (image.root / "usr" / "bin" / "gcc").exists()


def test_a_second_build_makes_the_same_files(image: Image, base: Path, tmp_path: Path) -> None:
    def digests(root: Path) -> dict[str, str]:
        paths = (path for path in (root / "opt" / "splitdns").rglob("*") if path.is_file())
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    with gone_afterwards(tmp_path):
        again = digests(build(ROOT, base, tmp_path).root)
    first = digests(image.root)
    assert {path for path in first.keys() | again.keys() if first.get(path) != again.get(path)} == set()


@pytest.mark.parametrize(
    ("file", "capabilities"), [("compose.yaml", NET_BIND_SERVICE), ("compose.bridge.yaml", NONE)]
)
def test_it_answers_on_port_53_with_that_capability_and_no_other(
    file: str, capabilities: str, image: Image, etc: Path, hosts: tuple[Host, Host, Host]
) -> None:
    host, laptop, stranger = hosts
    run = service(ROOT / "deploy" / file)
    host.sysctl({name.replace(".", "/"): value for name, value in run.sysctls.items()})

    container = started(host, image, run, etc)

    assert addresses(laptop) == ["192.168.1.20"]
    assert addresses(stranger, WAN) == ["203.0.113.7"]
    processes = container.processes()
    assert len(processes) >= 3, "the supervisor and two workers"
    for process in processes:
        assert set(process["Uid"].split()) == set(process["Gid"].split()) == {"10053"}
        assert process["Groups"] == ""
        assert process["NoNewPrivs"] == "1"
        assert {name: process[name] for name in SETS} == dict.fromkeys(SETS, capabilities)

    # Its own user, which is whose `docker exec --user` is.
    own = Confinement("10053:10053", ())
    version = container.execute("splitdns", "--version", confinement=own).stdout
    assert version.endswith("accelerator: compiled\n")
    assert container.execute("splitdns", "flush", confinement=own).stdout == "0 answers forgotten\n"
    for path in ("/opt/splitdns/new", "/etc/splitdns/new", "/etc/new"):
        touched = container.execute("touch", path, confinement=own)
        assert "Read-only file system" in touched.stderr, path

    # What is no Python has come along, too.
    for path in ("/", "/metrics"):
        asked = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:9153{path}').status)"
        assert container.execute("python3", "-c", asked, confinement=own).stdout == "200\n", path

    new = etc / "zones" / ".new"
    new.write_text(ZONE % 21)
    new.rename(etc / "zones" / "example.com.yaml")  # as editors do
    until = time.monotonic() + READY_S
    while addresses(laptop) != ["192.168.1.21"]:
        assert time.monotonic() < until, container.daemon.output

    subprocess.run(["kill", f"-{signal.SIGTERM}", str(container.first)], check=True)
    until = time.monotonic() + 10.0  # stop_grace_period
    while container.daemon.running:
        assert time.monotonic() < until, container.daemon.output
        time.sleep(0.1)
    assert container.daemon.stop() == 0
    assert "stopped" in container.daemon.output


def test_the_health_check_fails_where_nothing_answers(
    image: Image, etc: Path, hosts: tuple[Host, Host, Host]
) -> None:
    run = service(ROOT / "deploy" / "compose.yaml")
    container = Container(hosts[0], image, ["sleep", "600"], run.confinement(image), etc, run.tmpfs)
    time.sleep(1)
    checked = container.execute(*run.health(image))
    assert checked.returncode == 1
    assert "http://127.0.0.1:9153/ready: [Errno 111] Connection refused" in checked.stderr


def test_a_capability_that_is_only_added_does_not_reach_a_user_who_is_not_root(
    image: Image, etc: Path, hosts: tuple[Host, Host, Host]
) -> None:
    """Why deploy/compose.yaml has setpriv; and the server says what is missing."""
    added = Confinement("10053:10053", ("NET_BIND_SERVICE",))
    argv = [*image.entrypoint, *image.command]
    container = Container(hosts[0], image, argv, added, etc, "mode=1777")
    until = time.monotonic() + READY_S
    while container.daemon.running:
        assert time.monotonic() < until, container.daemon.output
        time.sleep(0.1)
    assert container.daemon.stop() == 2
    assert "lower net.ipv4.ip_unprivileged_port_start to 53" in container.daemon.output
