"""Clusters: what their services open on a node that is the gateway, or behind one that is none."""
