"""MelGAN's multi-scale discriminator."""

GROUP_CHANNELS = 4
"""Input channels of each group of a grouped convolution."""
