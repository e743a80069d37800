"""Grouped convolution as one batched matrix product, if there is no fast kernel for it."""

from typing import Any

from keras import ops


def unfolded_grouped_conv1d(inputs: Any, kernel: Any, stride: int) -> Any:
    """Grouped convolution without padding, as a product of input frames and each group's kernel.

    Args:
        inputs: (batch, time, channels).
        kernel: (size, channels / groups, filters); the filters of a group are adjacent.
        stride: in samples.

    Returns:
        (batch, (time − size) // stride + 1, filters)
    """
    size, width, filters = kernel.shape
    channels = inputs.shape[-1]
    groups = channels // width
    steps = (inputs.shape[1] - size) // stride + 1
    # Slices, since the gradient of a gather is a scatter.
    span = (steps - 1) * stride + 1
    taps = [inputs[:, tap : tap + span : stride] for tap in range(size)]
    frames = ops.reshape(ops.stack(taps, axis=2), (-1, steps, size, groups, width))
    frames = ops.reshape(ops.transpose(frames, (3, 0, 1, 2, 4)), (groups, -1, size * width))
    weights = ops.reshape(kernel, (size * width, groups, filters // groups))
    outputs = ops.matmul(frames, ops.transpose(weights, (1, 0, 2)))
    outputs = ops.reshape(outputs, (groups, -1, steps, filters // groups))
    return ops.reshape(ops.transpose(outputs, (1, 2, 0, 3)), (-1, steps, filters))
