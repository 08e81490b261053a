"""VyOS and EdgeOS, from their configurations to findings."""
