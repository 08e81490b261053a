"""splitdns: one name, the right address for every client of a network behind NAT."""

__version__ = "0.1.0"
