"""OpenWrt's configuration (UCI) as a gateway: what fw4 makes of it, and the network around it."""
