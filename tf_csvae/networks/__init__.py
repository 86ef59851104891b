"""Bricks of the models: networks, distributions, priors, labels as tensors, fused kernels."""
