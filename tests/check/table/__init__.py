"""Gateways that are described by hand, and whether packets pass them."""
