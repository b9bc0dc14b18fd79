"""The local servers for trying and testing: start, wait, stop."""
