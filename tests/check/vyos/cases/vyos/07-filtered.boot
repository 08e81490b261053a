firewall {
    all-ping enable
    broadcast-ping disable
    name WAN_IN {
        default-action drop
        rule 10 {
            action accept
            state {
                established enable
                related enable
            }
        }
        rule 20 {
            action drop
            state {
                invalid enable
            }
        }
        rule 100 {
            action accept
            destination {
                address 192.168.1.20
                port 80
            }
            protocol tcp
        }
    }
    name WAN_LOCAL {
        default-action drop
        rule 10 {
            action accept
            state {
                established enable
                related enable
            }
        }
        rule 20 {
            action accept
            icmp {
                type-name echo-request
            }
            protocol icmp
        }
        rule 30 {
            action drop
            destination {
                port 22
            }
            protocol tcp
            recent {
                count 4
                time 60
            }
            state {
                new enable
            }
        }
    }
    syn-cookies enable
}
interfaces {
    ethernet eth0 {
        address 203.0.113.7/24
        description WAN
        firewall {
            in {
                name WAN_IN
            }
            local {
                name WAN_LOCAL
            }
        }
        hw-id 02:00:5e:00:53:01
    }
    ethernet eth1 {
        address 192.168.1.1/24
        description LAN
        hw-id 02:00:5e:00:53:02
    }
    loopback lo {
    }
}
nat {
    destination {
        rule 10 {
            destination {
                port 443
            }
            inbound-interface eth0
            protocol tcp
            translation {
                address 192.168.1.20
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

// Release version: 1.3.8
