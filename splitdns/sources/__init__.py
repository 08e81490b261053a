"""Who else knows names: what changes by itself, handed to the loader."""
