"""RouterOS (MikroTik): what ``/export`` prints."""
