"""pfSense's ``config.xml``, and what OPNsense's has in common with it: pf, as a web interface writes it."""
