"""Other systems with their configurations, and splitdns with what was imported from these: the same answers.

Each case is a directory with the other system's own files. The real server runs in a network namespace that
has all addresses of the case, so that nothing in a configuration is changed for the test; then splitdns takes
its place. Both are asked the same, by clients at the addresses that the case has, and forward to the same
upstreams.
"""

from __future__ import annotations
