# 2025-03-01 10:00:00 by RouterOS 7.16.1
# software id = ABCD-EFGH
#
/interface ethernet
set [ find default-name=ether1 ] name=wan0
set [ find default-name=ether2 ] name=lan0
/ip address
add address=203.0.113.7/24 interface=wan0 network=203.0.113.0
add address=192.168.1.1/24 interface=lan0 network=192.168.1.0
/ip firewall filter
add action=accept chain=input comment="replies to the router" connection-state=\
    established,related,untracked
add action=drop chain=input comment="all else from outside" in-interface=wan0
add action=fasttrack-connection chain=forward connection-state=\
    established,related
add action=accept chain=forward connection-state=\
    established,related,untracked
add action=drop chain=forward comment="all else from outside" \
    connection-nat-state=!dstnat in-interface=wan0
/ip firewall nat
add action=dst-nat chain=dstnat dst-address=203.0.113.7 dst-port=443 in-interface=wan0 \
    protocol=tcp to-addresses=192.168.1.20
add action=dst-nat chain=dstnat dst-address=!192.168.1.53 dst-port=53 \
    in-interface=lan0 protocol=udp src-address=!192.168.1.53 \
    to-addresses=192.168.1.53
add action=dst-nat chain=dstnat dst-address=!192.168.1.53 dst-port=53 \
    in-interface=lan0 protocol=tcp src-address=!192.168.1.53 \
    to-addresses=192.168.1.53
add action=masquerade chain=srcnat comment="to the internet" out-interface=wan0
/ip route
add disabled=no distance=1 dst-address=0.0.0.0/0 gateway=203.0.113.1
/ip service
set telnet disabled=yes
set ftp disabled=yes
set www disabled=yes
set api disabled=yes
set winbox disabled=yes
set api-ssl disabled=yes
/system identity
set name=gateway
/tool bandwidth-server
set enabled=no
