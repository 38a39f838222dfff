"""The contract of a model file; reading and checking it."""
