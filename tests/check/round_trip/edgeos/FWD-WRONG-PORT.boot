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
        rule 20 {
            action accept
            destination {
                address 192.168.1.20
                port 8443
            }
            protocol tcp
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
                address 203.0.113.7
                port 443
            }
            inbound-interface eth0
            inside-address {
                address 192.168.1.20
                port 8443
            }
            protocol tcp
            type destination
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
