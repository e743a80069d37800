"""ConvNeXt blocks at frame rate and an inverse STFT, which the Vocos generator uses too."""

EXPANSION = 3
"""Channels inside a ConvNeXt block of the Fourier generator, per channel outside."""
