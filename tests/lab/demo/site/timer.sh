#!/bin/sh
# What splitdns-rules.timer does every minute, here every second: the gateway tells its rules.
while :; do
    splitdns-rules gateway
    sleep 1
done
