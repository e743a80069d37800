"""What differs between Keras backends: the training step's gradients and grouped convolution."""

import keras

_NAME = keras.backend.backend()
if _NAME == "tensorflow":
    from tf_melgan.backends import tensorflow as _backend
elif _NAME == "jax":
    from tf_melgan.backends import jax as _backend
else:
    raise ImportError(f"Keras runs on the {_NAME} backend; set KERAS_BACKEND to tensorflow or jax")

TrainStep = _backend.TrainStep
check_batches = _backend.check_batches
grouped_conv1d = _backend.grouped_conv1d
inference = _backend.inference
replicas = _backend.replicas
scope_of = _backend.scope_of
strategy = _backend.strategy
