"""Log-mel spectrograms on keras.ops: differentiable, on any backend.

Equal to those of `tf_melgan.audio.mel`.
"""

from typing import Any

from tf_melgan.audio.mel_spec import MelSpec, hann_window

# Below this power a magnitude counts as 0 on keras.ops: the square root has no slope there.
_TINY_POWER = 1e-30


def keras_mel_valid(padded: Any, spec: MelSpec) -> Any:
    """`mel_valid` on keras.ops: differentiable, in any graph, on any backend.

    Computes in float64 for float64 tensors and in float32 for all others.
    """
    from keras import ops

    padded = ops.convert_to_tensor(padded)
    dtype = "float64" if ops.dtype(padded) == "float64" else "float32"
    padded = ops.cast(padded, dtype)
    window = ops.convert_to_tensor(hann_window(spec).astype(dtype))
    real, imaginary = ops.stft(padded, spec.n_fft, spec.hop, spec.n_fft, window, center=False)
    power = ops.square(real) + ops.square(imaginary)
    magnitude = ops.sqrt(ops.maximum(power, _TINY_POWER))
    matrix = ops.convert_to_tensor(spec.mel_matrix().T.astype(dtype))
    return ops.matmul(magnitude, matrix)


def keras_log_mel_valid(padded: Any, spec: MelSpec) -> Any:
    """`log_mel_valid` on keras.ops, as `keras_mel_valid` is `mel_valid`."""
    from keras import ops

    mel = ops.maximum(keras_mel_valid(padded, spec), spec.floor)
    return ops.log10(mel) if spec.log == "log10" else ops.log(mel)


def keras_log_mel(audio: Any, spec: MelSpec) -> Any:
    """`log_mel` on keras.ops: (batch, samples) → (batch, frames, n_mels), differentiable."""
    from keras import ops

    audio = ops.convert_to_tensor(audio)
    lead = [(0, 0)] * (len(audio.shape) - 1)
    samples = ops.shape(audio)[-1]
    audio = ops.pad(audio, [*lead, (0, -samples % spec.hop)])
    samples += -samples % spec.hop
    # Positions beyond an end run back and forth over the audio: |mod| of the period 2·(n − 1).
    period = ops.maximum(2 * (samples - 1), 1)
    before = ops.mod(ops.arange(-spec.margin, 0), period)
    after = ops.mod(ops.arange(spec.margin) + samples, period)
    before, after = (ops.minimum(place, period - place) for place in (before, after))
    edges = (ops.take(audio, before, axis=-1), audio, ops.take(audio, after, axis=-1))
    return keras_log_mel_valid(ops.concatenate(edges, axis=-1), spec)
