#!/bin/sh
# What udhcpc calls: a client takes over the address, the router and the resolver that it was told.
# shellcheck disable=SC2154 # udhcpc sets them
case "$1" in
deconfig)
    ip address flush dev "$interface"
    ;;
bound | renew)
    ip address replace "$ip/$mask" dev "$interface"
    [ -z "${router:-}" ] || ip route replace default via "$router"
    for address in $dns; do echo "nameserver $address"; done >/etc/resolv.conf
    ;;
esac
