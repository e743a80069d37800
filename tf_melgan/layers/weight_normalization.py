"""Weight normalization for any layer with a kernel, compatible with tensorflow-addons."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from tf_melgan.layers.backends import sum_over_replicas

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


def _of_layer(name: str) -> property:
    """An attribute that a wrapper shares with its layer."""
    return property(
        lambda wrapper: getattr(wrapper.layer, name),
        lambda wrapper, value: setattr(wrapper.layer, name, value),
    )


@keras.saving.register_keras_serializable("tf_melgan")
class WeightNormalization(keras.layers.Wrapper):
    """Reparametrizes a layer's kernel by its length g and direction v: w = g · v / ‖v‖.

    Source: Salimans and Kingma, arXiv 1602.07868, equation 2. The class replaces
    `tensorflow_addons.layers.WeightNormalization` with the same arguments, variables and results.
    `g` has one entry per index of the kernel's last axis, and `v` is the wrapped layer's kernel
    variable. It wraps Dense, EinsumDense, Conv1D, grouped convolutions, Conv1DTranspose, and any
    other layer, also one of your own, with its weights in `kernel` and its bias, if any, in `bias`.
    Of an RNN layer (LSTM, GRU, SimpleRNN) it normalizes the recurrent kernel; a `Bidirectional` is
    wrapped inside, `Bidirectional(WeightNormalization(LSTM(8), data_init=False))`. Inputs, outputs
    and call arguments are those of the wrapped layer.

    Args:
        layer: the layer to wrap.
        data_init: initialize g and the bias from the first batch (equation 6), before the
            activation. As in tensorflow-addons, the statistics are those of the outputs of v
            without normalization, so outputs have mean 0 and variance 1 per channel if ‖v‖ is 1.
            Replicas that share a batch use the statistics of all of it. A layer whose kernel does
            not end in the output channels, such as a Conv1DTranspose, has no g per output; all get
            the mean of the output scales. Of an RNN layer only g is initialized, with the scales of
            its outputs repeated for each gate; the paper advises against it. On the JAX backend,
            call the layer once before `fit`, because `fit` discards this weight change inside a
            step.

    Raises:
        ValueError: the layer has no kernel.

    Examples:
        >>> layer = tf_melgan.WeightNormalization(keras.layers.Conv1D(8, 3), data_init=False)
        >>> outputs = layer(np.zeros((1, 10, 4)))
        >>> assert outputs.shape == (1, 8, 8) and layer.g.shape == (8,)
    """

    # What `keras.layers.Bidirectional` reads and sets.
    go_backwards = _of_layer("go_backwards")
    return_sequences = _of_layer("return_sequences")
    return_state = _of_layer("return_state")
    stateful = _of_layer("stateful")
    states = _of_layer("states")
    reset_state = _of_layer("reset_state")
    zero_output_for_mask = _of_layer("zero_output_for_mask")
    use_cudnn = _of_layer("use_cudnn")

    def __init__(self, layer: keras.Layer, data_init: bool = True, **kwargs: Any):
        # The norm is computed in full precision; the wrapped layer casts its inputs itself.
        kwargs.setdefault("dtype", layer.variable_dtype)
        super().__init__(layer, autocast=False, **kwargs)
        self.data_init = data_init
        self.supports_masking = layer.supports_masking
        self._is_rnn = isinstance(layer, keras.layers.RNN)
        self._channels: int | None = None

    def build(self, input_shape: Sequence[int | None]) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
        if not isinstance(vars(self._holder).get(self._kernel_name), keras.Variable):
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
    def _holder(self) -> Any:
        """The object that holds the kernel: the layer, or the cell of an RNN layer."""
        return self.layer.cell if self._is_rnn else self.layer

    @property
    def _kernel_name(self) -> str:
        if self._is_rnn:
            return "recurrent_kernel"
        # In most layers `kernel` is a property over `_kernel`; in Conv1DTranspose it is not.
        return "_kernel" if "_kernel" in vars(self.layer) else "kernel"

    @property
    def v(self) -> keras.Variable:
        """The direction v: the kernel variable of the layer, the recurrent one of an RNN layer."""
        return vars(self._holder)[self._kernel_name]

    def call(
        self, inputs: Any, initial_state: Any = None, mask: Any = None, training: Any = None
    ) -> Any:
        given = {"initial_state": initial_state, "mask": mask, "training": training}
        accepted = inspect.signature(self.layer.call).parameters
        arguments = {
            name: value for name, value in given.items() if value is not None and name in accepted
        }
        v = ops.convert_to_tensor(self.v)
        if self.data_init:
            self._initialize_from(inputs, v, arguments)
        return self._call_with(ops.multiply(_direction(v), self.g), inputs, arguments)

    def effective_kernel(self) -> Any:
        """Returns the kernel w of the wrapped layer, in the shape and dtype of v."""
        return ops.multiply(_direction(self.v.value), self.g.value)

    def remove(self) -> keras.Layer:
        """Folds g and v into one kernel and returns the wrapped layer."""
        self.v.assign(self.effective_kernel())
        return self.layer

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_init": self.data_init}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        # `keras.layers.Bidirectional` makes its backward layer by this key.
        if "go_backwards" in config:
            config["layer"]["config"]["go_backwards"] = config.pop("go_backwards")
        return super().from_config(config, custom_objects)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        # Works for layers without compute_output_shape, too.
        return self.layer.compute_output_spec(inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return self.layer.compute_mask(inputs, previous_mask)

    def _call_with(self, kernel: Any, inputs: Any, arguments: dict[str, Any]) -> Any:
        # During this call a tensor replaces the layer's kernel variable.
        kernel = ops.cast(kernel, self._holder.compute_dtype)
        with _replaced(self._holder, {self._kernel_name: kernel}):
            return self.layer(inputs, **arguments)

    def _initialize_from(self, inputs: Any, v: Any, arguments: dict[str, Any]) -> None:
        if self._channels is None:
            self._channels = _first(self.layer.compute_output_spec(inputs)).shape[-1]
        channels = self._channels

        def nothing() -> tuple[Any, ...]:
            zeros = ops.zeros((channels,), self.variable_dtype)
            return ops.ones((), self.variable_dtype), zeros, zeros

        initialized = self._initialized.value
        # Replicas cannot wait for each other within a branch.
        count, mean, variance = ops.cond(
            initialized, nothing, lambda: self._output_moments(inputs, v, arguments)
        )
        total = sum_over_replicas(count)
        center = sum_over_replicas(count * mean) / total
        variance = sum_over_replicas(count * (variance + ops.square(mean - center))) / total
        scale = ops.rsqrt(variance + 1e-10)

        def assign(variable: keras.Variable, value: Any) -> None:
            value = ops.broadcast_to(value, variable.shape)
            variable.assign(ops.where(initialized, variable.value, value))

        if self._is_rnn:
            assign(self.g, ops.tile(scale, self.g.shape[0] // channels))
        else:
            # Without a g per output, all get the mean scale.
            scale = scale if self._ends_in_outputs() else ops.mean(scale)
            assign(self.g, scale)
            if self._bias is not None:
                assign(self._bias, -center * scale)
        self._initialized.assign(True)

    @property
    def _bias(self) -> keras.Variable | None:
        bias = vars(self.layer).get("bias")
        return bias if isinstance(bias, keras.Variable) else None

    def _ends_in_outputs(self) -> bool:
        """Whether the last axis of the kernel is that of the layer's outputs."""
        if isinstance(self.layer, keras.layers.EinsumDense):
            kernel, outputs = self.layer.equation.split(",")[1].split("->")
            return kernel.strip()[-1] == outputs.strip()[-1]
        return not isinstance(self.layer, _TRANSPOSED) and self.g.shape[0] == self._channels

    def _output_moments(
        self, inputs: Any, v: Any, arguments: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        """Number, mean and variance per channel of the outputs of v.

        These are without bias and activation; an RNN layer has both within its steps and keeps
        them.
        """
        bare: dict[str, Any] = {}
        if not self._is_rnn:
            if "activation" in vars(self.layer):
                bare["activation"] = keras.activations.linear
            if self._bias is not None:
                bare["bias"] = ops.zeros(self._bias.shape, self.layer.compute_dtype)
        with _replaced(self.layer, bare):
            outputs = ops.cast(_first(self._call_with(v, inputs, arguments)), self.variable_dtype)
        mean, variance = ops.moments(outputs, axes=list(range(len(outputs.shape) - 1)))
        count = ops.cast(ops.size(outputs) // outputs.shape[-1], self.variable_dtype)
        return count, mean, variance


def fold(model: keras.Model, plain: keras.Model) -> None:
    """Copies the effective kernels and biases of a weight-normalized model to one without it."""
    sources = [x for x in model._flatten_layers() if isinstance(x, WeightNormalization)]
    targets = [x for x in plain._flatten_layers() if hasattr(x, "kernel")]
    for source, target in zip(sources, targets, strict=True):
        target.kernel.assign(source.effective_kernel())
        target.bias.assign(source.layer.bias)


@contextmanager
def _replaced(layer: Any, values: dict[str, Any]) -> Iterator[None]:
    """Gives a layer other attributes for a call, past Keras's tracking of variables."""
    attributes = vars(layer)
    saved = {name: attributes[name] for name in values}
    attributes.update(values)
    try:
        yield
    finally:
        attributes.update(saved)


def _first(outputs: Any) -> Any:
    """The outputs of a layer, of which an RNN layer may return its states, too."""
    return outputs[0] if isinstance(outputs, list | tuple) else outputs


def _norm(v: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(v), axis=list(range(len(v.shape) - 1))))


def _direction(v: Any) -> Any:
    square = ops.sum(ops.square(v), axis=list(range(len(v.shape) - 1)), keepdims=True)
    return ops.multiply(v, ops.rsqrt(ops.maximum(square, 1e-12)))
