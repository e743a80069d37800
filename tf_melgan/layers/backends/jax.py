"""Grouped convolution and sums over replicas on JAX."""

import jax

from tf_melgan.layers.backends.unfolded import unfolded_grouped_conv1d


def grouped_conv1d(inputs: jax.Array, kernel: jax.Array, stride: int, padding: str) -> jax.Array:
    """Grouped convolution; XLA's own is slow for many groups.

    Args:
        inputs: (batch, time, channels).
        kernel: (size, channels / groups, filters).
        stride: in samples.
        padding: "VALID" or "SAME".

    Returns:
        (batch, steps, filters)
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


def sum_over_replicas(value: jax.Array) -> jax.Array:
    """`value` itself: a batch on JAX is one array, on however many devices it lies."""
    return value
