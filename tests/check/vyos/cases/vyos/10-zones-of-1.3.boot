firewall {
    name ALL {
        default-action accept
    }
    name TO_SELF {
        default-action drop
        rule 10 {
            action accept
            destination {
                port 51820
            }
            protocol udp
        }
    }
    name TO_WEB {
        default-action drop
        rule 10 {
            action accept
            destination {
                address 192.168.20.20
                port 443
            }
            protocol tcp
        }
    }
    state-policy {
        established {
            action accept
        }
        related {
            action accept
        }
    }
}
interfaces {
    ethernet eth0 {
        address 203.0.113.7/24
        description WAN
        hw-id 02:00:5e:00:53:01
    }
    ethernet eth1 {
        address 192.168.1.1/24
        description LAN
        hw-id 02:00:5e:00:53:02
    }
    ethernet eth2 {
        address 192.168.20.1/24
        description DMZ
    }
    loopback lo {
    }
    wireguard wg0 {
        address 10.8.0.1/24
        peer phone {
            allowed-ips 10.8.0.2/32
        }
        port 51820
    }
}
nat {
    destination {
        rule 10 {
            destination {
                address 203.0.113.7
                port 443
            }
            inbound-interface any
            protocol tcp
            translation {
                address 192.168.20.20
            }
        }
    }
    source {
        rule 900 {
            outbound-interface eth0
            source {
                address 192.168.1.0/24
            }
            translation {
                address masquerade
            }
        }
    }
}
protocols {
    static {
        route 0.0.0.0/0 {
            next-hop 203.0.113.1 {
            }
        }
    }
}
service {
    ntp {
        server time1.example.net
    }
    ssh {
        port 22
    }
}
system {
    host-name gw
    name-server 192.168.1.53
}
zone-policy {
    zone DMZ {
        from {
            LAN {
                firewall {
                    name ALL
                }
            }
            SELF {
                firewall {
                    name ALL
                }
            }
            WAN {
                firewall {
                    name TO_WEB
                }
            }
        }
        interface eth2
    }
    zone LAN {
        default-action drop
        from {
            SELF {
                firewall {
                    name ALL
                }
            }
            VPN {
                firewall {
                    name ALL
                }
            }
        }
        interface eth1
    }
    zone SELF {
        from {
            LAN {
                firewall {
                    name ALL
                }
            }
            VPN {
                firewall {
                    name ALL
                }
            }
            WAN {
                firewall {
                    name TO_SELF
                }
            }
        }
        local-zone
    }
    zone VPN {
        from {
            LAN {
                firewall {
                    name ALL
                }
            }
            SELF {
                firewall {
                    name ALL
                }
            }
        }
        interface wg0
    }
    zone WAN {
        from {
            DMZ {
                firewall {
                    name ALL
                }
            }
            LAN {
                firewall {
                    name ALL
                }
            }
            SELF {
                firewall {
                    name ALL
                }
            }
            VPN {
                firewall {
                    name ALL
                }
            }
        }
        interface eth0
    }
}

// Release version: 1.3.8
