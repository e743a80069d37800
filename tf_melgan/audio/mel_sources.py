"""The mel conventions of other projects, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec, take_log
from tf_melgan.audio.statistics import Statistics, read_statistics
from tf_melgan.errors import UserInputError, require, suggest


@dataclass(frozen=True)
class MelSource:
    """How a program makes its mels: a log-mel, and what is done to its values afterwards.

    Args:
        spec: the log-mel.
        scale: the values are `scale` times the log-mel …
        offset: … plus `offset`.
        limits: the lowest and the highest value; values beyond them are set to them.
        statistics: of each band, if the values are then normalized: (value − mean) / deviation.
        linear: whether the mel has no logarithm at all.
        dynamic_range: how far below its highest value a log-mel goes; lower values are raised.
        drops_last_frame: whether the last frame of a recording is left out.
    """

    spec: MelSpec
    scale: float = 1.0
    offset: float = 0.0
    limits: tuple[float, float] | None = None
    statistics: Statistics | None = field(default=None, compare=False)
    linear: bool = False
    dynamic_range: float | None = None
    drops_last_frame: bool = False

    def analyse(self, audio: np.ndarray) -> np.ndarray:
        """Computes the mel of a recording as the program does: (samples,) → (frames, n_mels)."""
        mel = log_mel(audio, self.spec)
        mel = mel[:-1] if self.drops_last_frame else mel
        if self.dynamic_range is not None:
            mel = np.maximum(mel, mel.max() - self.dynamic_range)
        if self.linear:
            return np.power(10.0 if self.spec.log == "log10" else np.e, mel).astype(mel.dtype)
        mel = mel * self.scale + self.offset
        mel = mel if self.limits is None else np.clip(mel, *self.limits)
        if self.statistics is not None:
            mel = (mel - self.statistics.mean) / self.statistics.deviation
        return mel.astype(audio.dtype)

    def to_log_mel(self, mel: np.ndarray) -> np.ndarray:
        """Returns the log-mel of `spec`, float64 (frames, n_mels), that a mel was made from.

        Raises:
            UserInputError: the statistics are of another number of bands.
        """
        mel = np.asarray(mel, np.float64)
        if self.statistics is not None:
            bands = self.statistics.mean.size
            require(
                bands in (1, mel.shape[-1]),
                f"the statistics have {bands} bands and the mel {mel.shape[-1]}; "
                "give those of this mel",
            )
            mel = mel * self.statistics.deviation + self.statistics.mean
        if self.linear:
            return np.asarray(take_log(np.maximum(mel, self.spec.floor), self.spec))
        return (mel - self.offset) / self.scale


_HIFIGAN = MelSource(MelSpec(fmax=8000.0, log="ln", epsilon=1e-9))
_TACOTRON2 = MelSource(MelSpec(fmax=8000.0, log="ln", center=True))
_PARALLEL_WAVEGAN = MelSource(MelSpec(fmin=80.0, fmax=7600.0, floor=1e-10, center=True))

SOURCES: Mapping[str, MelSource] = MappingProxyType(
    {
        # descriptinc/melgan-neurips, and this project.
        "melgan": MelSource(MelSpec()),
        # jik876/hifi-gan, NVIDIA's HiFi-GAN, Matcha-TTS.
        "hifigan": _HIFIGAN,
        "matcha": _HIFIGAN,
        # NVIDIA's Tacotron 2 and WaveGlow, Glow-TTS.
        "tacotron2": _TACOTRON2,
        "glow_tts": _TACOTRON2,
        # ParallelWaveGAN's and TensorFlowTTS's LJ Speech recipes, and ESPnet's.
        "parallel_wavegan": _PARALLEL_WAVEGAN,
        "espnet": _PARALLEL_WAVEGAN,
        "tensorflow_tts": _PARALLEL_WAVEGAN,
        # AudioProcessor's defaults: 20 dB a decade, from -100 dB and 20 dB up, in [-4, 4].
        "coqui": MelSource(
            MelSpec(floor=1e-8, center=True), scale=1.6, offset=2.4, limits=(-4.0, 4.0)
        ),
        "vocos": MelSource(
            MelSpec(24000, 1024, 256, 100, 0.0, 12000.0, "ln", 1e-7, htk=True, norm="none",
                    center=True)
        ),
        "whisper": MelSource(
            MelSpec(16000, 400, 160, 80, 0.0, 8000.0, floor=1e-10, power=2.0, center=True),
            scale=0.25, offset=1.0, dynamic_range=8.0, drops_last_frame=True,
        ),
        # MelSpectrogram's defaults.
        "torchaudio": MelSource(
            MelSpec(16000, 400, 200, 128, 0.0, 8000.0, floor=1e-10, power=2.0, htk=True,
                    norm="none", center=True),
            linear=True,
        ),
    }
)  # fmt: skip
"""The known conventions. They are those of each project's usual recipe; others differ in a range or
a rate, and are given as a `MelSource`."""


def mel_source(
    source: "str | MelSpec | MelSource", stats: str | Path | None = None, name: str = "source"
) -> MelSource:
    """Returns a convention by its name.

    Args:
        source: a name of `SOURCES`, the spec of plain log-mels, or the convention itself.
        stats: a file of the statistics that the mels were normalized with (`read_statistics`).
        name: what the value is called in error messages.

    Raises:
        UserInputError: there is no such convention, or the file holds no statistics.

    Examples:
        >>> from tf_melgan.audio.mel_sources import mel_source
        >>> source = mel_source("hifigan")
    """
    if isinstance(source, MelSpec):
        source = MelSource(source)
    if not isinstance(source, MelSource):
        if source not in SOURCES:
            known = list(SOURCES)
            raise UserInputError(
                f"{name}: there is no mel convention {source!r:.60}; {suggest(source, known)}"
            )
        source = SOURCES[source]
    if stats is None:
        return source
    return replace(source, statistics=read_statistics(stats), scale=1.0, offset=0.0, limits=None)
