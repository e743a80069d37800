"""Backend-specific parts of training: gradients of the step, devices, compiled inference."""

import keras

_NAME = keras.backend.backend()
if _NAME == "tensorflow":
    from tf_melgan.training.backends import tensorflow as _backend
elif _NAME == "jax":
    from tf_melgan.training.backends import jax as _backend  # type: ignore[no-redef]
else:
    raise ImportError(f"Keras runs on the {_NAME} backend; set KERAS_BACKEND to tensorflow or jax")

TrainStep = _backend.TrainStep
check_batches = _backend.check_batches
checked_length = _backend.checked_length
compile_inference = _backend.compile_inference
distribution_scope = _backend.distribution_scope
enable_determinism = _backend.enable_determinism
gradients = _backend.gradients
replica_count = _backend.replica_count
scope_of = _backend.scope_of
with_rank = _backend.with_rank
