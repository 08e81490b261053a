firewall {
    name WAN_IN {
        default-action drop
        description "from the internet"
        rule 10 {
            action accept
            description replies
            state {
                established enable
                related enable
            }
        }
    }
    name WAN_LOCAL {
        default-action drop
        description "from the internet to the router"
        rule 10 {
            action accept
            description replies
            state {
                established enable
                related enable
            }
        }
    }
}
interfaces {
    ethernet eth0 {
        address 203.0.113.7/24
        description Internet
        firewall {
            in {
                name WAN_IN
            }
            local {
                name WAN_LOCAL
            }
        }
    }
    ethernet eth1 {
        address 192.168.1.1/24
        description LAN
    }
}
port-forward {
    auto-firewall enable
    hairpin-nat disable
    lan-interface eth1
    rule 1 {
        forward-to {
            address 192.168.1.20
        }
        original-port 443
        protocol tcp
    }
    wan-interface eth0
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
    nat {
        rule 1 {
            destination {
                address !192.168.1.53
                port 53
            }
            inbound-interface eth1
            inside-address {
                address 192.168.1.53
            }
            protocol tcp_udp
            type destination
        }
        rule 5000 {
            destination {
                address 192.168.1.53
                port 53
            }
            outbound-interface eth1
            protocol tcp_udp
            source {
                address 192.168.1.0/24
            }
            type masquerade
        }
        rule 5010 {
            description "to the internet"
            outbound-interface eth0
            protocol all
            type masquerade
        }
    }
}

/* Release version: v2.0.9-hotfix.7 */
