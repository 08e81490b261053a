"""Leases as a source: hosts by the names that they have told a DHCP server."""
