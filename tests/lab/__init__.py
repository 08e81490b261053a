"""Networks made of kernel namespaces, and the real daemon in them."""
