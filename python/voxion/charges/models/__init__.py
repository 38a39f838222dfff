"""Models of the surface charges, as PyTorch modules that export to TorchScript."""
