"""What a model file says of itself; reading and checking it."""
