"""Gateways of pfSense, as their ``config.xml`` tells them, and whether packets pass them."""
