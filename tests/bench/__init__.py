"""Speed and memory beside other servers, in the same run, on the same machine."""
