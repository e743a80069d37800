"""Grouped convolution on JAX."""

import jax

from tf_melgan.layers.grouped_conv.unfolded import unfolded_grouped_conv1d


def grouped_conv1d(inputs: jax.Array, kernel: jax.Array, stride: int, padding: str) -> jax.Array:
    """(batch, time, channels) with (size, channels / groups, filters) → (batch, steps, filters).

    XLA's own grouped convolution is slow where the groups are many.
    """
    if padding == "VALID":
        return unfolded_grouped_conv1d(inputs, kernel, stride)
    return jax.lax.conv_general_dilated(
        inputs,
        kernel,
        (stride,),
        padding,
        dimension_numbers=("NWC", "WIO", "NWC"),
        feature_group_count=inputs.shape[-1] // kernel.shape[1],
    )
