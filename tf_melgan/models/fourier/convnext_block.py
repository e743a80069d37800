"""The ConvNeXt block over frames."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

KERNEL = 7
_EXPANSION = 3
_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class ConvNeXtBlock(keras.layers.Layer):
    """A ConvNeXt block over frames (arXiv 2201.03545).

    It applies a depthwise convolution of kernel 7, RMS normalization, a dense layer to 3 · width
    channels, GELU, a dense layer back to width, a gain per channel, and a residual connection.

    Input: (batch, frames, width). Output: the same shape.

    Args:
        width: channels.
        ahead: number of future frames that the convolution sees, 0–3. The other frames of its
            kernel are the current frame and past ones.
        gain: the initial gain.
    """

    def __init__(self, width: int, ahead: int = KERNEL // 2, gain: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.ahead, self.initial_gain = width, ahead, gain
        policy = self.dtype_policy
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.depthwise = keras.layers.DepthwiseConv1D(KERNEL, dtype=policy)
        self.norm = keras.layers.RMSNormalization(epsilon=1e-6, dtype=policy)
        self.expand = keras.layers.Dense(
            _EXPANSION * width, kernel_initializer=initializer, dtype=policy
        )
        self.contract = keras.layers.Dense(width, kernel_initializer=initializer, dtype=policy)

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        for layer in (self.depthwise, self.norm, self.expand):
            layer.build(shape)
        self.contract.build((None, None, _EXPANSION * self.width))
        self.gain = self.add_weight(
            shape=(self.width,),
            initializer=keras.initializers.Constant(self.initial_gain),
            name="gain",
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        x = self.norm(self.depthwise(pad_frames(inputs, self.ahead)))
        x = self.contract(ops.gelu(self.expand(x), approximate=False))
        return inputs + x * self.gain

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        settings = {"width": self.width, "ahead": self.ahead, "gain": self.initial_gain}
        return {**super().get_config(), **settings}


def pad_frames(signal: Any, ahead: int) -> Any:
    """Pads (batch, frames, width) with zeros for a kernel of 7 that sees `ahead` future frames."""
    return ops.pad(signal, ((0, 0), (KERNEL - 1 - ahead, ahead), (0, 0)))
