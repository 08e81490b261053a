"""VyOS and EdgeOS: one configuration tree, in ``set`` commands or in braces."""
