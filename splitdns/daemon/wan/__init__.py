"""Where the network's public addresses come from, asked."""
