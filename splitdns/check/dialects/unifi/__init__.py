"""UniFi gateways: what their controller keeps, and the configuration of a USG."""
