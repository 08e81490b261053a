#!/bin/sh
# A minimal Debian, made from nothing, with python3 and nothing else: ./dev run and ./dev test have to work in
# it, in a clean copy of this project, as an ordinary user and as root. Needs root; leaves nothing behind.
#
#   sudo tests/install/clean_root.sh [SUITE]      bookworm (Debian 12), trixie (Debian 13)
#
# How this machine reaches Debian and PyPI is taken from the environment: DEBIAN_MIRROR, PIP_*, *_proxy.
set -eu
suite=${1:-bookworm}
project=$(cd "$(dirname "$0")/../.." && pwd)

say() { echo "clean_root: $*"; }
fail() {
    say "FAILED: $*"
    exit 1
}

# Mounts and processes of the new root live in namespaces that end with this script.
if [ "${CLEAN_ROOT_INSIDE:-}" != yes ]; then
    CLEAN_ROOT_INSIDE=yes exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$suite"
fi

top=$(mktemp -d)
trap 'umount -R "$top"/root-* 2>/dev/null || :; rm -rf --one-file-system "$top"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir "$top/project"
if git -C "$project" rev-parse HEAD >/dev/null 2>&1; then
    git -C "$project" archive HEAD | tar -x -C "$top/project"
else
    tar -c -C "$project" --exclude=.venv --exclude='.*_cache' . | tar -x -C "$top/project"
fi

say "making Debian $suite"
debootstrap --variant=minbase --include=python3 "$suite" "$top/base" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$top/debootstrap.log" 2>&1 || {
    tail -n 20 "$top/debootstrap.log"
    fail debootstrap
}

# root_for NAME: a copy of the base with the project in the home of NAME, whose it is.
root_for() {
    root=$top/root-$1
    cp -a "$top/base" "$root"
    [ "$1" = root ] || chroot "$root" useradd --create-home "$1"
    mkdir -p "$root/home/$1"
    cp -a "$top/project" "$root/home/$1/splitdns"
    chroot "$root" chown -R "$1:" "/home/$1"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    [ -z "${PIP_CERT:-}" ] || cp -L "$PIP_CERT" "$root/etc/this-network.pem"
    mount --bind "$root" "$root" # a mount of its own, as ip netns exec wants / to be one
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
}

# enter NAME COMMAND…: become that command, in that root, in the project, with an environment as after a login.
enter() {
    user=$1
    shift
    # shellcheck disable=SC2016,SC2046 # expanded inside; one word for each variable
    exec chroot --userspec="$user" "$root" env -i HOME="/home/$user" USER="$user" TERM=dumb \
        PATH=/usr/local/bin:/usr/bin:/bin$([ "$user" != root ] || echo :/usr/sbin:/sbin) \
        $(env | grep -E '^(PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|PIP_DEFAULT_TIMEOUT|https?_proxy|no_proxy)=') \
        ${PIP_CERT:+PIP_CERT=/etc/this-network.pem} ${CI:+CI="$CI"} \
        sh -c 'cd "$HOME/splitdns" 2>/dev/null; exec "$@"' sh "$@"
}
as() (enter "$@")

# answer ADDRESS: what ./dev run answers that client; asked with the project's own Python, as dig may be missing.
answer() {
    as "$1" .venv/bin/python -c '
import sys, dns.message, dns.query
query = dns.message.make_query("www.example.com", "A")
print(dns.query.udp(query, "127.0.0.1", port=5353, source=sys.argv[1], timeout=2).answer[0][0])' "$2" 2>&1
}

run_answers() {
    say "$1: ./dev run"
    enter "$1" ./dev run >"$top/run.log" 2>&1 &
    dev=$!
    waited=0
    until grep -q 'dig -b 127.0.0.3' "$top/run.log"; do
        waited=$((waited + 1))
        if ! kill -0 $dev 2>/dev/null || [ $waited -gt 600 ]; then
            cat "$top/run.log"
            fail "$1: ./dev run did not come up"
        fi
        sleep 1
    done
    cat "$top/run.log"
    answers="$(answer "$1" 127.0.0.1) $(answer "$1" 127.0.0.2) $(answer "$1" 127.0.0.3)"
    kill -TERM $dev
    wait $dev || fail "$1: ./dev run did not stop well"
    [ "$answers" = "192.168.10.20 10.8.0.20 203.0.113.7" ] || fail "$1: answers: $answers"
    say "$1: three clients, three answers: $answers"
}

say "--- an ordinary user"
root_for person
status=0
said=$(as person ./dev run 2>&1) || status=$?
say "without python3-venv: $said"
[ $status -eq 2 ] || fail "expected exit status 2, found $status"
wanted=$(echo "$said" | sed -n 's/^.*Please run: sudo //p')
[ -n "$wanted" ] || fail "expected the one command to ask for"
as root sh -c "apt-get update -qq && $wanted" >"$top/apt.log" 2>&1 </dev/null || fail "$wanted: $(tail "$top/apt.log")"
run_answers person
as person env -u CI ./dev test >"$top/test.log" 2>&1 || { tail -n 100 "$top/test.log"; fail "person: ./dev test"; }
grep 'what needs them is skipped: sudo apt-get install' "$top/test.log" || fail "person: no word on what is skipped"
tail -n 1 "$top/test.log"

say "--- root"
root_for root
run_answers root
as root dig -b 127.0.0.1 @127.0.0.1 -v >/dev/null 2>&1 || fail "root: ./dev run did not install dig"
as root ./dev test >"$top/test.log" 2>&1 || { tail -n 100 "$top/test.log"; fail "root: ./dev test"; }
tail -n 1 "$top/test.log"
[ ! -e "$root/usr/sbin/policy-rc.d" ] || fail "root: policy-rc.d was left behind"
say "Debian $suite: all well"
