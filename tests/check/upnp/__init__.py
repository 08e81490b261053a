"""Lists of leases beside a gateway's own rules: what is found, and what is read live."""
