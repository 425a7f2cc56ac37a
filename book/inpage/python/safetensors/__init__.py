"""Weights out of a safetensors file, where the package of that name cannot be had."""
