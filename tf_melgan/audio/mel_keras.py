"""Log-mel spectrograms in keras.ops: differentiable, on any backend.

Results equal those of `tf_melgan.audio.mel`.
"""

from typing import Any

from tf_melgan.audio.mel_spec import MelSpec, hann_window

# Power is raised to this before the square root, because the gradient at 0 is infinite.
_TINY_POWER = 1e-30


def keras_mel_valid(padded: Any, spec: MelSpec) -> Any:
    """`tf_melgan.audio.mel.mel_valid` in keras.ops: differentiable, in any graph and backend.

    float64 tensors are computed in float64, all others in float32.
    """
    from keras import ops

    padded = ops.convert_to_tensor(padded)
    dtype = "float64" if ops.dtype(padded) == "float64" else "float32"
    padded = ops.cast(padded, dtype)
    window = ops.convert_to_tensor(hann_window(spec).astype(dtype))
    real, imaginary = ops.stft(padded, spec.n_fft, spec.hop, spec.n_fft, window, center=False)
    power = ops.square(real) + ops.square(imaginary)
    if spec.epsilon:
        power += spec.epsilon
    magnitude = power if spec.power == 2 else ops.sqrt(ops.maximum(power, _TINY_POWER))
    matrix = ops.convert_to_tensor(spec.mel_matrix().T.astype(dtype))
    return ops.matmul(magnitude, matrix)


def keras_log_mel_valid(padded: Any, spec: MelSpec) -> Any:
    """`tf_melgan.audio.mel.log_mel_valid` in keras.ops, with the dtypes of `keras_mel_valid`."""
    from keras import ops

    mel = ops.maximum(keras_mel_valid(padded, spec), spec.floor)
    return ops.log10(mel) if spec.log == "log10" else ops.log(mel)


def keras_log_mel(audio: Any, spec: MelSpec) -> Any:
    """`tf_melgan.log_mel` in keras.ops: differentiable, on any backend.

    Args:
        audio: floating-point tensor (batch, samples) within [-1, 1].
        spec: the convention.

    Returns:
        Log-mel (batch, frames, n_mels), float64 for float64 tensors and float32 for all others.

    Examples:
        >>> from tf_melgan.audio.mel_keras import keras_log_mel
        >>> audio = keras.random.uniform((4, 22_050), -1, 1)
        >>> mel = keras_log_mel(audio, tf_melgan.MelSpec())
    """
    from keras import ops

    audio = ops.convert_to_tensor(audio)
    batch_axes = [(0, 0)] * (len(audio.shape) - 1)
    samples = ops.shape(audio)[-1]
    if not spec.center:
        audio = ops.pad(audio, [*batch_axes, (0, -samples % spec.hop)])
        samples += -samples % spec.hop
    if spec.pad_mode == "constant":
        padded = ops.pad(audio, [*batch_axes, (spec.margin, spec.margin)])
        return keras_log_mel_valid(padded, spec)
    # Reflected positions run back and forth over the audio with the period 2 · (n − 1).
    period = ops.maximum(2 * (samples - 1), 1)
    before = ops.mod(ops.arange(-spec.margin, 0), period)
    after = ops.mod(ops.arange(spec.margin) + samples, period)
    before, after = (ops.minimum(index, period - index) for index in (before, after))
    edges = (ops.take(audio, before, axis=-1), audio, ops.take(audio, after, axis=-1))
    return keras_log_mel_valid(ops.concatenate(edges, axis=-1), spec)
