"""MelGAN's multi-scale discriminator."""

GROUP_CHANNELS = 4
"""Input channels of each group of a grouped convolution."""
PADDINGS = ("equal", "same")
"""Zeros around a strided convolution: as many at both ends, or as TensorFlow's "same"."""
