"""Lists of what devices asked a gateway to forward, over UPnP-IGD, PCP or NAT-PMP."""
