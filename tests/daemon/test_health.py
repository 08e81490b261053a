"""What a container's health check says of a server as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.daemon.server import Server, Site
from tests.lab.machine import free_port


def health(site: Site) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "splitdns", "health", "-c", site.config],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_server_is_well_while_it_answers_and_only_then(tmp_path: Path) -> None:
    site = Site(tmp_path)
    port, admin_port = free_port(), free_port()
    text = site.settings.replace('{listen: "127.0.0.1:0"}', f'{{listen: "127.0.0.1:{admin_port}"}}')
    site.configure(text.replace('["127.0.0.1:0"]', f'["127.0.0.1:{port}"]'))
    urls = f"http://127.0.0.1:{admin_port}/ready", f"dns://127.0.0.1:{port}"

    with Server(site) as server:
        for _ in range(5):  # it waits for no more than seconds, and this machine may stand still for so long
            if not (well := health(site)).returncode:
                break
        assert (well.returncode, well.stdout, well.stderr) == (0, f"well: {', '.join(urls)}\n", "")

        for worker in server.workers():  # the supervisor does not know yet, but nobody answers
            os.kill(worker, signal.SIGSTOP)
        hung = health(site)
        for worker in server.workers():
            os.kill(worker, signal.SIGCONT)
        assert (hung.returncode, hung.stderr) == (1, f"splitdns: {urls[1]}: timed out\n")

    gone = health(site)
    assert gone.returncode == 1
    assert all(f"splitdns: {url}: [Errno 111] Connection refused\n" in gone.stderr for url in urls)
