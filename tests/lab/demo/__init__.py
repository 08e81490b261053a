"""A house to watch: everything that splitdns is for, in one command (``python -m tests.lab.demo``)."""
