"""A service of a Compose file as an engine would start it, over what its image says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.install.image import Confinement, Image


@dataclass(frozen=True)
class Service:
    """What the file says of one service, values that are left to the environment by their defaults."""

    said: Mapping[str, Any]

    def argv(self, image: Image) -> list[str]:
        entrypoint = self.said.get("entrypoint")
        # An entrypoint of one's own makes the image's command void (compose-spec, 05-services).
        command = self.said.get("command", [] if entrypoint else image.command)
        return [*(entrypoint or image.entrypoint), *command]

    def confinement(self, image: Image) -> Confinement:
        """Its privileges; everything has to be dropped first, and nothing may be gained later."""
        assert self.said["cap_drop"] == ["ALL"]
        assert self.said["security_opt"] == ["no-new-privileges:true"]
        assert self.said["read_only"] is True
        return Confinement(self.said.get("user", image.user), tuple(self.said.get("cap_add", ())))

    def health(self, image: Image) -> list[str]:
        check = self.said.get("healthcheck", {"test": ["CMD", *image.health]})["test"]
        assert check[0] == "CMD"
        return check[1:]

    @property
    def tmpfs(self) -> str:
        """The mount options of /run/splitdns, the only place where something can be written."""
        (mount,) = self.said["tmpfs"]
        place, _, options = mount.partition(":")
        assert place == "/run/splitdns"
        return options

    @property
    def sysctls(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.said.get("sysctls", {}).items()}


def service(file: Path, name: str = "splitdns") -> Service:
    """A service of ``file``."""
    return Service(whole(file)["services"][name])


def whole(file: Path) -> dict[str, Any]:
    """All of a Compose file, with ``${NAME:-default}`` as the default, and ``${NAME:?…}`` as ``<NAME>``."""
    text = re.sub(r"\$\{(\w+):\?[^}]*\}", r"<\1>", file.read_text())
    return yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
