"""What a Kubernetes cluster opens on its nodes, from its manifests."""
