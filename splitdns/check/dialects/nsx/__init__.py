"""Edge gateways of NSX for vSphere and vCloud Director: their XML in, the model out."""
