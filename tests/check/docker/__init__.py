"""What Docker publishes, and whether packets come there."""
