"""From surfactants to Nafion."""
