"""The network of a BSD, as its own commands print it."""
