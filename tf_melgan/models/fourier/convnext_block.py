"""The ConvNeXt block over frames."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tf_melgan.models.fourier import EXPANSION

KERNEL = 7
NORMS = {"rms": keras.layers.RMSNormalization, "layer": keras.layers.LayerNormalization}
"""Normalization of each frame: by its root mean square, or by mean and standard deviation."""
_register = keras.saving.register_keras_serializable("tf_melgan")


@_register
class ConvNeXtBlock(keras.layers.Layer):
    """A ConvNeXt block over frames (arXiv 2201.03545).

    It applies a depthwise convolution of kernel 7, a normalization, a dense layer to `hidden`
    channels, GELU, a dense layer back to width, a gain per channel, and a residual connection.

    Input: (batch, frames, width). Output: the same shape.

    Args:
        width: channels.
        ahead: number of future frames that the convolution sees, 0–3. The other frames of its
            kernel are the current frame and past ones.
        gain: the initial gain.
        hidden: channels between the dense layers; 3 · width if None.
        norm: the kind of normalization, one of `NORMS`.
    """

    def __init__(
        self,
        width: int,
        ahead: int = KERNEL // 2,
        gain: float = 1.0,
        hidden: int | None = None,
        norm: str = "rms",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.width, self.ahead, self.initial_gain = width, ahead, gain
        self.hidden, self.kind = hidden or EXPANSION * width, norm
        policy = self.dtype_policy
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.depthwise = keras.layers.DepthwiseConv1D(KERNEL, dtype=policy)
        self.norm = NORMS[norm](epsilon=1e-6, dtype=policy)
        self.expand = keras.layers.Dense(self.hidden, kernel_initializer=initializer, dtype=policy)
        self.contract = keras.layers.Dense(width, kernel_initializer=initializer, dtype=policy)

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (None, None, self.width)
        for layer in (self.depthwise, self.norm, self.expand):
            layer.build(shape)
        self.contract.build((None, None, self.hidden))
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
        return {
            **super().get_config(),
            "width": self.width,
            "ahead": self.ahead,
            "gain": self.initial_gain,
            "hidden": self.hidden,
            "norm": self.kind,
        }


def pad_frames(signal: Any, ahead: int) -> Any:
    """Pads (batch, frames, width) with zeros for a kernel of 7 that sees `ahead` future frames."""
    return ops.pad(signal, ((0, 0), (KERNEL - 1 - ahead, ahead), (0, 0)))
