"""``python -m splitdns`` is ``splitdns``."""

from splitdns.cli import main

main()
