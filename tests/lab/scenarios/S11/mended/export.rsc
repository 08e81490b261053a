# 2025-03-01 10:00:00 by RouterOS 7.16.1
# software id = ABCD-EFGH
#
# model = RB5009UG+S+
/interface bridge
add admin-mac=02:00:5E:00:53:01 auto-mac=no comment=defconf name=bridge
/interface list
add comment=defconf name=WAN
add comment=defconf name=LAN
/interface bridge port
add bridge=bridge comment=defconf interface=ether2
add bridge=bridge comment=defconf interface=ether3
/interface list member
add comment=defconf interface=bridge list=LAN
add comment=defconf interface=ether1 list=WAN
/ip address
add address=192.168.88.1/24 comment=defconf interface=bridge network=\
    192.168.88.0
/ip dhcp-client
add comment=defconf interface=ether1 script=":if (\$bound=1) do={ /ip firewall a\
    ddress-list set [find comment=\"wan-ip\"] address=\$\"lease-address\" }"
/ip dhcp-server lease
add address=192.168.88.20 comment=web mac-address=02:00:5E:00:53:20
add address=192.168.88.53 comment=ns mac-address=02:00:5E:00:53:53
/ip dhcp-server network
add address=192.168.88.0/24 comment=defconf dns-server=192.168.88.53 gateway=\
    192.168.88.1
/ip dns
set servers=9.9.9.9
/ip firewall address-list
add address=203.0.113.9 comment=wan-ip list=WAN-IP
/ip firewall filter
add action=accept chain=input comment=\
    "defconf: accept established,related,untracked" connection-state=\
    established,related,untracked
add action=drop chain=input comment="defconf: drop invalid" connection-state=\
    invalid
add action=accept chain=input comment="defconf: accept ICMP" protocol=icmp
add action=drop chain=input comment="defconf: drop all not coming from LAN" \
    in-interface-list=!LAN
add action=accept chain=forward comment="defconf: accept in ipsec policy" \
    ipsec-policy=in,ipsec
add action=accept chain=forward comment="defconf: accept out ipsec policy" \
    ipsec-policy=out,ipsec
add action=fasttrack-connection chain=forward comment="defconf: fasttrack" \
    connection-state=established,related
add action=accept chain=forward comment=\
    "defconf: accept established,related, untracked" connection-state=\
    established,related,untracked
add action=drop chain=forward comment="defconf: drop invalid" \
    connection-state=invalid
add action=drop chain=forward comment=\
    "defconf: drop all from WAN not DSTNATed" connection-nat-state=!dstnat \
    connection-state=new in-interface-list=WAN
/ip firewall nat
add chain=dstnat action=dst-nat dst-address-type=local dst-address=!192.168.88.1 protocol=tcp dst-port=80 to-addresses=192.168.88.20 comment=splitdns
add action=masquerade chain=srcnat comment=hairpin dst-address=\
    192.168.88.0/24 src-address=192.168.88.0/24
add action=masquerade chain=srcnat comment="defconf: masquerade" \
    ipsec-policy=out,none out-interface-list=WAN
add action=dst-nat chain=dstnat comment=web dst-address-list=WAN-IP \
    dst-port=80 protocol=tcp to-addresses=192.168.88.20
/ip service
set telnet disabled=yes
set ftp disabled=yes
set www address=192.168.88.0/24
set api disabled=yes
set api-ssl disabled=yes
/system identity
set name=gateway
/tool bandwidth-server
set enabled=no
/ip address
1 D address=203.0.113.2/28 network=203.0.113.0 interface=ether1 actual-interface=ether1
