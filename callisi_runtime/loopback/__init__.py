"""Providers on loopback that speak the real protocols to the real client libraries, without any account."""
