set firewall name WAN_IN default-action drop
set firewall name WAN_IN description 'WAN to internal'
set firewall name WAN_IN rule 10 action accept
set firewall name WAN_IN rule 10 state established enable
set firewall name WAN_IN rule 10 state related enable
set firewall name WAN_LOCAL default-action drop
set firewall name WAN_LOCAL description 'WAN to router'
set firewall name WAN_LOCAL rule 10 action accept
set firewall name WAN_LOCAL rule 10 state established enable
set firewall name WAN_LOCAL rule 10 state related enable
set firewall name WAN_LOCAL rule 20 action accept
set firewall name WAN_LOCAL rule 20 destination port 53
set firewall name WAN_LOCAL rule 20 protocol tcp_udp
set interfaces ethernet eth0 address 203.0.113.2/28
set interfaces ethernet eth0 description Internet
set interfaces ethernet eth0 firewall in name WAN_IN
set interfaces ethernet eth0 firewall local name WAN_LOCAL
set interfaces ethernet eth1 address 192.168.1.1/24
set interfaces ethernet eth1 description Local
set interfaces ethernet eth2 address 192.168.20.1/24
set interfaces ethernet eth2 description Guests
set port-forward auto-firewall enable
set port-forward hairpin-nat disable
set port-forward lan-interface eth1
set port-forward lan-interface eth2
set port-forward rule 1 description web
set port-forward rule 1 forward-to address 192.168.1.20
set port-forward rule 1 forward-to port 80
set port-forward rule 1 original-port 80
set port-forward rule 1 protocol tcp
set port-forward wan-interface eth0
set service nat rule 10 description splitdns
set service nat rule 10 destination address 203.0.113.2
set service nat rule 10 destination port 80
set service nat rule 10 inbound-interface eth0
set service nat rule 10 inside-address address 192.168.1.20
set service nat rule 10 protocol tcp
set service nat rule 10 type destination
set service nat rule 20 description splitdns
set service nat rule 20 destination address 203.0.113.2
set service nat rule 20 destination port 80
set service nat rule 20 inbound-interface eth1
set service nat rule 20 inside-address address 192.168.1.20
set service nat rule 20 protocol tcp
set service nat rule 20 type destination
set service nat rule 30 description splitdns
set service nat rule 30 destination address 203.0.113.2
set service nat rule 30 destination port 80
set service nat rule 30 inbound-interface eth2
set service nat rule 30 inside-address address 192.168.1.20
set service nat rule 30 protocol tcp
set service nat rule 30 type destination
set service nat rule 5009 description splitdns
set service nat rule 5009 destination address 192.168.1.20
set service nat rule 5009 destination port 80
set service nat rule 5009 outbound-interface eth1
set service nat rule 5009 protocol tcp
set service nat rule 5009 source address 192.168.1.0/24
set service nat rule 5009 type masquerade
set service nat rule 5010 description 'masquerade for WAN'
set service nat rule 5010 outbound-interface eth0
set service nat rule 5010 type masquerade
set system gateway-address 203.0.113.1
