"""Weight normalization for any layer with a kernel, compatible with tensorflow-addons."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tf_melgan")
class WeightNormalization(keras.layers.Wrapper):
    """Reparametrizes a layer's kernel by its length g and direction v: w = g · v / ‖v‖.

    Source: Salimans and Kingma, arXiv 1602.07868, equation 2. The class replaces
    `tensorflow_addons.layers.WeightNormalization` with the same arguments, variables and results.
    `g` has one entry per index of the kernel's last axis, and `v` is the wrapped layer's kernel
    variable. It wraps Dense, Conv1D, grouped convolutions, Conv1DTranspose, and any other layer
    with its weights in `kernel`. Input and output shapes are those of the wrapped layer.

    Args:
        layer: the layer to wrap.
        data_init: initialize g and the bias from the first batch (equation 6), before the
            activation. As in tensorflow-addons, the statistics are those of the outputs of v
            without normalization, so outputs have mean 0 and variance 1 per channel if ‖v‖ is 1.
            A Conv1DTranspose, which tensorflow-addons does not support, has one g per input
            channel; all get the mean of the output scales. On the JAX backend, call the layer
            once before `fit`, because `fit` discards this weight change inside a step.

    Raises:
        ValueError: the layer has no kernel.

    Examples:
        >>> layer = tf_melgan.WeightNormalization(keras.layers.Conv1D(8, 3), data_init=False)
        >>> outputs = layer(np.zeros((1, 10, 4)))
        >>> assert outputs.shape == (1, 8, 8) and layer.g.shape == (8,)
    """

    def __init__(self, layer: keras.Layer, data_init: bool = True, **kwargs: Any):
        # The norm is computed in full precision; the wrapped layer casts its inputs itself.
        kwargs.setdefault("dtype", layer.variable_dtype)
        super().__init__(layer, autocast=False, **kwargs)
        self.data_init = data_init

    def build(self, input_shape: Sequence[int | None]) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
        if not hasattr(self.layer, "kernel"):
            raise ValueError(
                f"WeightNormalization wraps a layer with a kernel; {type(self.layer).__name__} "
                "has none"
            )
        self.g = self.add_weight(
            shape=(self.v.shape[-1],), initializer="ones", name="g", autocast=False
        )
        if self.data_init:
            self._initialized = self.add_weight(
                shape=(), dtype="bool", initializer="zeros", trainable=False, name="initialized"
            )
        else:
            self.g.assign(_norm(self.v.value))
        self.built = True

    @property
    def _kernel_name(self) -> str:
        # In most layers `kernel` is a property over `_kernel`; in Conv1DTranspose it is not.
        return "_kernel" if "_kernel" in vars(self.layer) else "kernel"

    @property
    def v(self) -> keras.Variable:
        """The direction v: the kernel variable of the wrapped layer."""
        return vars(self.layer)[self._kernel_name]

    def call(self, inputs: Any) -> Any:
        v = ops.convert_to_tensor(self.v)
        if self.data_init:
            self._initialize_from(inputs, v)
        return self._call_with(ops.multiply(_direction(v), self.g), inputs)

    def effective_kernel(self) -> Any:
        """Returns the kernel w of the wrapped layer, in the shape and dtype of v."""
        return ops.multiply(_direction(self.v.value), self.g.value)

    def remove(self) -> keras.Layer:
        """Folds g and v into one kernel and returns the wrapped layer."""
        self.v.assign(self.effective_kernel())
        return self.layer

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_init": self.data_init}

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return self.layer.compute_output_shape(input_shape)

    def _call_with(self, kernel: Any, inputs: Any) -> Any:
        # During this call a tensor replaces the layer's kernel variable.
        attributes, name = self.layer.__dict__, self._kernel_name
        variable = attributes[name]
        attributes[name] = ops.cast(kernel, self.layer.compute_dtype)
        try:
            return self.layer(inputs)
        finally:
            attributes[name] = variable

    def _initialize_from(self, inputs: Any, v: Any) -> None:
        bias = getattr(self.layer, "bias", None)

        def keep() -> tuple[Any, ...]:
            return (self.g.value,) if bias is None else (self.g.value, bias.value)

        def measure() -> tuple[Any, ...]:
            mean, variance = self._output_moments(inputs, v)
            scale = ops.rsqrt(variance + 1e-10)
            # The last axis of a transposed kernel is not its outputs: g gets the mean scale.
            per_output = scale.shape[-1] == self.g.shape[-1]
            g = scale if per_output else ops.ones_like(self.g.value) * ops.mean(scale)
            return (g,) if bias is None else (g, -mean * (scale if per_output else ops.mean(scale)))

        values = ops.cond(self._initialized.value, keep, measure)
        self.g.assign(values[0])
        if bias is not None:
            bias.assign(values[1])
        self._initialized.assign(True)

    def _output_moments(self, inputs: Any, v: Any) -> tuple[Any, Any]:
        """Mean and variance per channel of the outputs of v, without bias and activation."""
        attributes = self.layer.__dict__
        saved = {key: attributes[key] for key in ("activation", "bias") if key in attributes}
        use_bias = self.layer.use_bias
        attributes.update({"activation": None} if "activation" in saved else {})
        attributes["use_bias"] = False
        if "bias" in saved:
            attributes["bias"] = None
        try:
            outputs = self._call_with(v, inputs)
        finally:
            attributes.update(saved)
            attributes["use_bias"] = use_bias
        outputs = ops.cast(outputs, self.variable_dtype)
        return ops.moments(outputs, axes=list(range(len(outputs.shape) - 1)))


def _norm(v: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(v), axis=list(range(len(v.shape) - 1))))


def _direction(v: Any) -> Any:
    square = ops.sum(ops.square(v), axis=list(range(len(v.shape) - 1)), keepdims=True)
    return ops.multiply(v, ops.rsqrt(ops.maximum(square, 1e-12)))
