"""OpenWrt's configuration: rule sets, the page, and what the kernel makes of them."""
