"""Containers as a source: what their labels declare, through the API of Docker's engine."""
