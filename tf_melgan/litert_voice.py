"""A `.tflite` voice, run by LiteRT: needs NumPy and ai-edge-litert alone."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tf_melgan import voice_file
from tf_melgan.errors import BadInput

# Frames of a step where the caller leaves it to us: the cheapest per frame.
_STEP = 32


class LiteRTVoice:
    """Float32 log-mel (frames, n_mels) → float32 (frames · hop,), by a `.tflite` file.

    Args:
        path: a file that `tf-melgan export --to tflite` wrote.
        threads: for each call; all cores by default.

    Raises:
        BadInput: the file is no voice, or damaged.
    """

    def __init__(self, path: str | Path, threads: int | None = None):
        self.info = voice_file.read(path)
        self.spec = self.info.mel
        try:
            interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self._runners = {
                name: interpreter.get_signature_runner(name)
                for name in ("vocode", "vocode_short", "start", "step", "end")
            }
        except (ValueError, RuntimeError) as error:
            raise BadInput(f"{path}: this LiteRT cannot run it ({error})") from None

    def __call__(self, mel: np.ndarray) -> np.ndarray:
        """All at once up to a step; longer mels as a stream, in a memory that does not grow."""
        if len(mel) <= max(_STEP, self.info.start_frames):
            return self.whole(mel)
        stream = self.stream()
        steps = [stream.push(mel[i : i + _STEP]) for i in range(0, len(mel), _STEP)]
        return np.concatenate([*steps, stream.finish()])

    def whole(self, mel: np.ndarray) -> np.ndarray:
        """All in one call, as the file has it for whole utterances."""
        name = "vocode" if len(mel) >= self.info.shortest else "vocode_short"
        return self._runners[name](mel=mel[None])["audio"][0]

    def stream(self) -> "LiteRTStream":
        return LiteRTStream(self)


class LiteRTStream:
    """Frames in, as they come; the sound that they complete, at once.

    The sound of all calls together is that of `LiteRTVoice.whole`, to the bit where the weights
    are float32 or float16.
    """

    def __init__(self, voice: LiteRTVoice):
        self._voice, self._runners = voice, voice._runners
        self._waiting = np.zeros((0, voice.spec.n_mels), np.float32)
        self._states: dict[str, np.ndarray] = {}

    def push(self, mel: np.ndarray) -> np.ndarray:
        """Float32 (frames, n_mels), any number → float32 (samples,), perhaps none yet."""
        if self._states:
            return self._advance("step", mel) if len(mel) else _NOTHING
        self._waiting = np.concatenate([self._waiting, mel])
        if len(self._waiting) < self._voice.info.start_frames:
            return _NOTHING
        first, self._waiting = self._waiting, self._waiting[:0]
        return self._advance("start", first)

    def finish(self) -> np.ndarray:
        """The rest of the sound; the stream is then as new."""
        if self._states:
            rest = self._advance("end", None)
        else:
            rest = self._voice.whole(self._waiting) if len(self._waiting) else _NOTHING
        self._waiting, self._states = self._waiting[:0], {}
        return rest

    def _advance(self, signature: str, mel: np.ndarray | None) -> np.ndarray:
        inputs = {} if mel is None else {"mel": mel[None]}
        self._states = self._runners[signature](**inputs, **self._states)
        return self._states.pop("audio")[0]


_NOTHING = np.zeros(0, np.float32)
