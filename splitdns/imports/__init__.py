"""Other systems' DNS data as zone files."""
