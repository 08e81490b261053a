"""The texts that a gateway says of itself, from files, commands and other hosts.

Nothing runs that the configuration does not name, no shell reads it here, and every failure bears the place
in the configuration that asked for it.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from splitdns.errors import ConfigError, Problems, Where
from splitdns.load.gateway import COMMANDS, Dialect, SourceSettings
from splitdns.load.settings import Settings
from splitdns.value import value

COMMAND_S = 60.0  # that a command may take
MAX_OCTETS = 256 << 20  # of one text; beyond: an error. A gateway's rules are megabytes at most
_LOST = b"netlink: Error"  # nft 1.0 says so when it leaves out a condition, and exits with 0 all the same
MAX_SHOWN = 200  # characters of what a failing command said


@value(frozen=True, slots=True)
class Text:
    """What one source said; ``name`` stands in places, as a file's name does."""

    dialect: Dialect
    name: str
    text: str


def fetch(settings: Settings, base: Path, *, commands: bool) -> list[Text]:
    """All sources, in their order; paths are relative to ``base``.

    ``commands``: whether sources may be commands. The server has no right to what they need (semantics 23).

    Raises:
        ExceptionGroup[ConfigError]: every source that cannot be read, with its place in the configuration.
    """
    assert settings.gateway is not None
    problems, texts = Problems(), []
    for at, source in enumerate(settings.gateway.sources):
        where = settings.where(("gateway", "sources", at))
        try:
            texts.append(_text(source, base, where, commands))
        except ConfigError as error:
            problems.error(error)
    problems.raise_errors("the gateway's sources cannot be read")
    return texts


def _text(source: SourceSettings, base: Path, where: Where, commands: bool) -> Text:
    if source.file is not None:
        path = base / source.file
        return Text(source.dialect, str(path), _file(path, where))
    if not commands:
        message = "expected a file: the server runs no commands; let a timer write what this one prints"
        raise ConfigError(where, message)
    if source.command is not None:
        return Text(source.dialect, shlex.join(source.command), _run(source.command, where))
    assert source.ssh is not None
    if source.ssh.startswith("-"):  # ssh would take it for an option
        raise ConfigError(where, f"expected a host, found {source.ssh!r}")
    usual = shlex.join(COMMANDS[source.dialect])
    argv = ["ssh", "-o", "BatchMode=yes", "--", source.ssh, usual]
    return Text(source.dialect, f"{source.ssh}: {usual}", _run(argv, where))


def _file(path: Path, where: Where) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise ConfigError(where, f"cannot read {path}: {error.strerror}") from None
    return _decoded(octets, str(path), where)


def _run(argv: Sequence[str], where: Where) -> str:
    shown = shlex.join(argv)
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S)
    except subprocess.TimeoutExpired:
        raise ConfigError(where, f"`{shown}` took more than {COMMAND_S:.0f} s") from None
    except OSError as error:
        raise ConfigError(where, f"cannot run `{shown}`: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:MAX_SHOWN]
        raise ConfigError(where, f"`{shown}` exited with {done.returncode}: {said or 'it said nothing'}")
    if _LOST in done.stderr:
        raise ConfigError(where, f"`{shown}` could not print all of the rules: a newer nft may")
    return _decoded(done.stdout, shown, where)


def _decoded(octets: bytes, name: str, where: Where) -> str:
    if len(octets) > MAX_OCTETS:
        raise ConfigError(where, f"{name} has more than {MAX_OCTETS >> 20} MiB")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(where, f"{name} is not UTF-8 at octet {error.start}") from None
