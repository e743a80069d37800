"""Fast grouped convolution for the current Keras backend."""

import keras

_NAME = keras.backend.backend()
if _NAME == "tensorflow":
    from tf_melgan.layers.grouped_conv.tensorflow import grouped_conv1d
elif _NAME == "jax":
    from tf_melgan.layers.grouped_conv.jax import grouped_conv1d
else:
    raise ImportError(f"Keras runs on the {_NAME} backend; set KERAS_BACKEND to tensorflow or jax")

__all__ = ["grouped_conv1d"]
