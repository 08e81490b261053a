"""Edge gateways of NSX and vCloud Director, whole: what is read, what is found, what is mended."""
