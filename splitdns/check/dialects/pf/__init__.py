"""pf of OpenBSD and FreeBSD: pf.conf(5) as the model's rules."""
