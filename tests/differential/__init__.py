"""The same master files in NSD, Knot and splitdns; the same questions; the answers side by side."""
