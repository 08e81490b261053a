"""OPNsense's ``config.xml``, where it is not pfSense's."""
