"""The study of Naghshnejad et al., repeated."""
