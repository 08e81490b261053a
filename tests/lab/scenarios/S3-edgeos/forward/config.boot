firewall {
    name WAN_IN {
        default-action drop
        description "WAN to internal"
        rule 10 {
            action accept
            state {
                established enable
                related enable
            }
        }
    }
    name WAN_LOCAL {
        default-action drop
        description "WAN to router"
        rule 10 {
            action accept
            state {
                established enable
                related enable
            }
        }
        rule 20 {
            action accept
            destination {
                port 53
            }
            protocol tcp_udp
        }
    }
}
interfaces {
    ethernet eth0 {
        address 203.0.113.2/28
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
        description Local
    }
    ethernet eth2 {
        address 192.168.20.1/24
        description Guests
    }
}
port-forward {
    auto-firewall enable
    hairpin-nat disable
    lan-interface eth1
    lan-interface eth2
    rule 1 {
        description web
        forward-to {
            address 192.168.1.20
            port 80
        }
        original-port 80
        protocol tcp
    }
    wan-interface eth0
}
service {
    nat {
        rule 5010 {
            description "masquerade for WAN"
            outbound-interface eth0
            type masquerade
        }
    }
}
system {
    gateway-address 203.0.113.1
}

/* Release version: v2.0.9-hotfix.7.5622731.230615.0857 */
