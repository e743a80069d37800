"""The log-mel spectrogram: `MelSpec` says which one, NumPy and keras.ops compute the same.

Importing this module needs NumPy alone, so a device can make mels too.
"""

from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from tf_melgan.errors import BadInput

LOGARITHMS = ("log10", "ln")
# Below this power a magnitude counts as 0 on keras.ops: the square root has no slope there.
_TINY_POWER = 1e-30


@dataclass(frozen=True)
class MelSpec:
    """Which log-mel spectrogram; it travels with every prepared folder, checkpoint and voice.

    The magnitude (not power) of a short-time Fourier transform with a periodic Hann window is
    weighed by triangles on Slaney's mel scale, each of unit area over frequency (librosa's
    defaults), and its logarithm taken, not below that of `floor`.

    Args:
        sample_rate: samples per second.
        n_fft: samples in a window.
        hop: samples from one frame to the next.
        n_mels: bands.
        fmin, fmax: lower edge of the first band and upper edge of the last, in Hz.
        log: "log10" or "ln".
        floor: smallest magnitude told apart.

    Raises:
        BadInput: naming the key that is wrong.
    """

    sample_rate: int = 22050
    n_fft: int = 1024
    hop: int = 256
    n_mels: int = 80
    fmin: float = 0.0
    fmax: float = 11025.0
    log: str = "log10"
    floor: float = 1e-5

    def __post_init__(self) -> None:
        _check(self)

    @property
    def margin(self) -> int:
        """Samples of context that the first and the last frame see beyond their hop."""
        return (self.n_fft - self.hop) // 2

    @property
    def log_floor(self) -> float:
        """The smallest value of a log-mel."""
        return float(_log(np.float64(self.floor), self))

    @property
    def log_ceiling(self) -> float:
        """A value that no log-mel of audio within [-1, 1] can pass."""
        loudest = self.n_fft / 2 * self.mel_matrix().sum(axis=1).max()
        return float(_log(np.float64(loudest), self))

    def frames(self, samples: int) -> int:
        """How many frames audio of `samples` samples has: a hop begun is a frame."""
        return -(-samples // self.hop)

    def mel_matrix(self) -> np.ndarray:
        """Weights float64 (n_mels, n_fft // 2 + 1) from magnitudes to bands; not to be changed.

        Slaney, Auditory Toolbox (1998): the scale is linear below 1 kHz and logarithmic above.
        """
        return _mel_matrix(self.sample_rate, self.n_fft, self.n_mels, self.fmin, self.fmax)

    @property
    def band_centers(self) -> np.ndarray:
        """Hz float64 (n_mels,), where each band's filter is highest."""
        return _band_edges(self.n_mels, self.fmin, self.fmax)[1:-1]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MelSpec":
        """Raises `BadInput` naming a key that is unknown or has a wrong value."""
        known = {item.name for item in fields(cls)}
        for key in values:
            if key not in known:
                raise BadInput(f"mel.{key} is not a known key; known: {', '.join(sorted(known))}")
        return cls(**values)


def _check(spec: MelSpec) -> None:
    def require(holds: bool, line: str) -> None:
        if not holds:
            raise BadInput(line)

    for item in fields(spec):
        value = getattr(spec, item.name)
        kinds, words = {
            int: ((int,), "a whole number"),
            float: ((int, float), "a number"),
            str: ((str,), "a word"),
        }[item.type]
        good = isinstance(value, kinds) and not isinstance(value, bool)
        require(good, f"mel.{item.name} is {value!r}; give {words}")
        if item.type is int:
            require(value >= 1, f"mel.{item.name} is {value}; it must be at least 1")
    require(
        spec.n_fft >= spec.hop and (spec.n_fft - spec.hop) % 2 == 0,
        f"mel.n_fft is {spec.n_fft}; it must be mel.hop {spec.hop} or more by an even number, "
        "so that both margins are equal",
    )
    nyquist = spec.sample_rate / 2
    require(
        0 <= spec.fmin < spec.fmax <= nyquist,
        f"mel.fmin is {spec.fmin} and mel.fmax {spec.fmax} Hz; they must rise from 0 or more "
        f"to half the sample rate, {nyquist:g}, or less",
    )
    require(spec.log in LOGARITHMS, f"mel.log is {spec.log!r}; choose log10 or ln")
    require(0 < spec.floor < 1, f"mel.floor is {spec.floor}; it must be above 0 and below 1")
    empty = int((spec.mel_matrix().max(axis=1) == 0).sum())
    require(
        empty == 0,
        f"mel.n_mels is {spec.n_mels}: {empty} bands lie between the frequencies that mel.n_fft "
        f"{spec.n_fft} resolves; give fewer bands or a longer window",
    )


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    logarithmic = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, logarithmic)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _band_edges(n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    """A band begins at its own edge, is highest at the next and ends at the one after: in Hz."""
    low, high = _hz_to_mel(np.array([fmin, fmax], np.float64))
    return _mel_to_hz(np.linspace(low, high, n_mels + 2))


@lru_cache
def _mel_matrix(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    corners = _band_edges(n_mels, fmin, fmax)[:, None]
    frequencies = np.arange(n_fft // 2 + 1) * (rate / n_fft)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    matrix = triangles * 2 / (corners[2:] - corners[:-2])
    matrix.setflags(write=False)
    return matrix


def _window(spec: MelSpec) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.n_fft) / spec.n_fft)


def _log(mel: np.ndarray, spec: MelSpec) -> np.ndarray:
    return np.log10(mel) if spec.log == "log10" else np.log(mel)


def mel_valid(padded: np.ndarray, spec: MelSpec) -> np.ndarray:
    """`log_mel_valid` before floor and logarithm."""
    padded = np.asarray(padded)
    if padded.dtype not in (np.float32, np.float64):
        raise BadInput(f"the audio is {padded.dtype}; give float32 or float64 within [-1, 1]")
    frames = np.lib.stride_tricks.sliding_window_view(padded, spec.n_fft, axis=-1)
    frames = frames[..., :: spec.hop, :] * _window(spec).astype(padded.dtype)
    magnitude = np.abs(np.fft.rfft(frames)).astype(padded.dtype)
    return magnitude @ spec.mel_matrix().T.astype(padded.dtype)


def log_mel_valid(padded: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Log-mel of audio that brings its margins: (…, frames·hop + 2·margin) → (…, frames, n_mels).

    Args:
        padded: float32 or float64 samples in [-1, 1]; the result has its dtype.
    """
    mel = mel_valid(padded, spec)
    return _log(np.maximum(mel, mel.dtype.type(spec.floor)), spec)


def log_mel(audio: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Log-mel of whole audio: (samples,) or (batch, samples) → (…, frames, n_mels).

    An unfinished last hop is filled with zeros, then both ends are reflected over `spec.margin`
    samples, repeatedly where the audio is shorter than that, as `numpy.pad` does. There are
    `spec.frames(samples)` frames: samples / hop for whole hops.

    Args:
        audio: float32 or float64 samples in [-1, 1], at least one; the result has its dtype.
    """
    return log_mel_valid(padded(audio, spec), spec)


def padded(audio: np.ndarray, spec: MelSpec) -> np.ndarray:
    """Whole audio as `log_mel` sees it: (…, samples) → (…, frames·hop + 2·margin)."""
    audio = np.asarray(audio)
    samples = audio.shape[-1]
    if samples == 0:
        raise BadInput("the audio has no samples; give at least one")
    lead = [(0, 0)] * (audio.ndim - 1)
    whole = np.pad(audio, [*lead, (0, -samples % spec.hop)])
    return np.pad(whole, [*lead, (spec.margin, spec.margin)], "reflect")


def keras_mel_valid(padded: Any, spec: MelSpec) -> Any:
    """`mel_valid` on keras.ops: differentiable, in any graph, on any backend.

    Computes in float64 for float64 tensors and in float32 for all others.
    """
    from keras import ops

    padded = ops.convert_to_tensor(padded)
    dtype = "float64" if ops.dtype(padded) == "float64" else "float32"
    padded = ops.cast(padded, dtype)
    window = ops.convert_to_tensor(_window(spec).astype(dtype))
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


def differences(theirs: MelSpec, ours: MelSpec) -> list[str]:
    """What is different about `theirs`, a short phrase for each key; empty where they agree."""
    return [
        f"mel.{item.name} is {getattr(theirs, item.name)}, not {getattr(ours, item.name)}"
        for item in fields(MelSpec)
        if getattr(theirs, item.name) != getattr(ours, item.name)
    ]


def check_mel(
    mel: np.ndarray, spec: MelSpec, source: MelSpec | None = None, name: str = "mel"
) -> np.ndarray:
    """A mel made elsewhere as float32 (frames, n_mels), if it can be one of `spec`.

    Args:
        mel: floats (frames, n_mels).
        spec: what is wanted.
        source: what `mel` was made with, where that is known.
        name: what messages call it, such as its file.

    Raises:
        BadInput: `source` differs, the shape or type is wrong, or values lie where no audio within
            [-1, 1] has any. A tenth of the range is allowed beyond both ends, since models that
            predict mels overshoot a little.
    """
    unlike = differences(source, spec) if source else []
    if unlike:
        raise BadInput(f"{name}: was made where {'; '.join(unlike)}")
    mel = check_shape(np.asarray(mel), spec, name)
    if not np.isfinite(mel).all():
        raise BadInput(f"{name}: holds NaN or infinite values; give finite ones")
    low, high = spec.log_floor, spec.log_ceiling
    slack = (high - low) / 10
    if mel.min() < low - slack or mel.max() > high + slack:
        raise BadInput(
            f"{name}: goes from {mel.min():.2f} to {mel.max():.2f}, but {spec.log} of magnitudes "
            f"goes from {low:.2f} to {high:.2f}; convert its logarithm, floor or normalization"
        )
    return mel.astype(np.float32)


def check_shape(mel: np.ndarray, spec: MelSpec, name: str) -> np.ndarray:
    """`mel`, if it holds floats and has the shape (frames, n_mels); else `BadInput`."""
    bands = spec.n_mels
    if not np.issubdtype(mel.dtype, np.floating):
        raise BadInput(f"{name}: holds {mel.dtype}; give float32 log-mels")
    if mel.ndim != 2 or 0 in mel.shape:
        raise BadInput(f"{name}: has shape {mel.shape}; give (frames, {bands})")
    if mel.shape[1] != bands:
        transposed = "; transpose it" if mel.shape[0] == bands else ""
        raise BadInput(f"{name}: has shape {mel.shape}, not (frames, {bands}){transposed}")
    return mel


def adapt(
    mel: np.ndarray,
    source: MelSpec,
    target: MelSpec,
    mean: np.ndarray | float = 0.0,
    std: np.ndarray | float = 1.0,
) -> np.ndarray:
    """A log-mel (frames, n_mels) of one convention in another's logarithm and floor.

    Args:
        mel: as `source` has it, after (x − mean) / std where it was normalized.
        mean, std: one number, or (n_mels,), in the unit of `source`.

    Raises:
        BadInput: the two differ in more than `log` and `floor`, which only new analysis can mend.
    """
    unlike = differences(source, replace(target, log=source.log, floor=source.floor))
    if unlike:
        raise BadInput(f"the mel cannot be adapted where {'; '.join(unlike)}; make it anew")
    mel = np.asarray(mel)
    natural = {"log10": np.log(10.0), "ln": 1.0}
    adapted = (mel * std + mean) * (natural[source.log] / natural[target.log])
    return np.maximum(adapted, target.log_floor).astype(mel.dtype)
