"""What layers and losses need of a Keras backend: grouped convolution, sums over replicas."""

import keras

_NAME = keras.backend.backend()
if _NAME == "tensorflow":
    from tf_melgan.layers.backends import tensorflow as _backend
elif _NAME == "jax":
    from tf_melgan.layers.backends import jax as _backend  # type: ignore[no-redef]
else:
    raise ImportError(f"Keras runs on the {_NAME} backend; set KERAS_BACKEND to tensorflow or jax")

grouped_conv1d = _backend.grouped_conv1d
sum_over_replicas = _backend.sum_over_replicas
