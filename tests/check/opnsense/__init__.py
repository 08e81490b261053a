"""Gateways of OPNsense, as their ``config.xml`` tells them, and all that the check finds there."""
