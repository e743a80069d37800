"""`Vocoder`: one face for log-mel → audio, whatever holds the weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tf_melgan.errors import BadInput
from tf_melgan.extras import needed_for
from tf_melgan.features import MelSpec, check_mel

Voice = Callable[[np.ndarray], np.ndarray]
"""Float32 (frames, n_mels) → float32 (frames · hop,)."""


class Vocoder:
    """Makes sound from log-mel spectrograms.

    Attributes:
        spec: the mel convention that the weights were trained for.
    """

    def __init__(self, voice: Voice, spec: MelSpec):
        self.spec, self._voice = spec, voice

    @classmethod
    def load(cls, path: str | Path) -> "Vocoder":
        """Opens a run's folder, or a `.keras` file of a voice or of a whole `MelGAN`.

        Of a run, the best checkpoint speaks, or the last where there is no best one yet; with the
        averaged weights, if the run averages them.

        Raises:
            BadInput: the path is missing, foreign or damaged.
            ImportError: the packages that hold such weights are not installed.
        """
        path = Path(path)
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder; give a run's folder or a .keras file")
        if not path.is_dir() and path.suffix != ".keras":
            raise BadInput(f"{path}: is not a voice; give a run's folder or a .keras file")
        with needed_for(str(path)):
            from tf_melgan.voice import KerasVoice
        voice = KerasVoice.of_run(path) if path.is_dir() else KerasVoice.of_file(path)
        return cls(voice, voice.spec)

    def vocode(self, mel: np.ndarray, source: MelSpec | None = None) -> np.ndarray:
        """Log-mel (frames, n_mels) → float32 (frames · hop,) in [-1, 1].

        Args:
            mel: floats, in the convention of `spec`; `tf_melgan.features.adapt` converts others.
            source: what `mel` was made with, where that is known.

        Raises:
            BadInput: the mel has another convention or shape, or values that `spec` cannot give.
        """
        return self._voice(check_mel(mel, self.spec, source))
