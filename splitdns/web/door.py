"""Who may see which page, and what browsers are told to do with them.

The admin endpoint has no users. At a loopback address whoever is on the machine may read; at any other, pages
with names and clients need a token, and so does every button. A page of somebody else must not read ours
through a person's browser: the name by which we are asked has to be one that nobody else can point here.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
from dataclasses import field
from secrets import token_urlsafe

from splitdns.value import value

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
CHALLENGE = 'Basic realm="splitdns", charset="UTF-8"'


@value(frozen=True, slots=True)
class Door:
    """``open``: the endpoint listens where only this machine can ask. ``names`` are further names of ours.

    ``form_key`` stands in every form that changes something: who cannot read our pages does not know it.
    """

    open: bool
    token: str | None = None
    names: frozenset[str] = frozenset()
    form_key: str = field(default_factory=token_urlsafe)

    @property
    def shows_names(self) -> bool:
        """Whether those whom we let in may see names and clients."""
        return self.open or self.token is not None

    @property
    def may_change(self) -> bool:
        """Whether there are buttons."""
        return self.token is not None

    def knows(self, host: str) -> bool:
        """Whether a ``Host`` header names us: by address, as localhost, by a single label or a name of ours.

        Any other name may be a stranger's, who lets it point here for a moment (DNS rebinding).
        """
        name = host.rpartition(":")[0] if _has_port(host) else host
        name = name.lower().rstrip(".")
        if not name:
            return False
        if "." not in name and ":" not in name:
            return True
        return name in self.names or _is_address(name.removeprefix("[").removesuffix("]"))

    def admits(self, authorization: str) -> bool:
        """Whether the ``Authorization`` header has the token, as the password of any user (RFC 7617)."""
        if self.token is None:
            return True
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            password = base64.b64decode(credentials, validate=True).partition(b":")[2]
        except ValueError:
            return False
        return hmac.compare_digest(password, self.token.encode())

    def believes(self, key: str, site: str) -> bool:
        """Whether a form is one of ours: by its key, and by what the browser says of where it stood."""
        return site in ("", "same-origin") and hmac.compare_digest(key.encode(), self.form_key.encode())


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (host.count(":") == 1 or "]:" in host)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
