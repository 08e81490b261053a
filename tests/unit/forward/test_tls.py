"""Whom upstreams over TLS are believed by."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from splitdns.forward.tls import context


def test_a_certificate_is_required_and_must_bear_the_name__rfc8310_8_1() -> None:
    made = asyncio.run(context(None, "dot"))
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_file_stands_instead_of_the_systems_authorities(tmp_path: Path) -> None:
    trustme.CA(organization_name="ours").cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (only,) = asyncio.run(context(str(tmp_path / "ca.pem"), "dot")).get_ca_certs()
    assert "ours" in str(only["subject"])


def test_each_is_read_once() -> None:
    assert asyncio.run(context(None, "dot")) is asyncio.run(context(None, "dot"))
    assert asyncio.run(context(None, "dot")) is not asyncio.run(context(None, "h2"))


def test_a_file_without_certificates_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        asyncio.run(context(str(tmp_path / "none.pem"), "dot"))


def test_others_go_on_while_it_is_read() -> None:
    async def main() -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        turning = asyncio.create_task(turn())
        await context(None, "nobody's")
        turning.cancel()
        return turns

    assert asyncio.run(main()) > 10
