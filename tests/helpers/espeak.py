"""Synthetic speech for tests, from espeak-ng through the package espeakng-loader."""

import ctypes
from functools import cache
from typing import Any

import espeakng_loader
import numpy as np

_SYNCHRONOUS, _UTF8, _RATE, _PITCH = 2, 1, 1, 3


@cache
def _library() -> tuple[Any, int]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
    if rate <= 0:
        raise RuntimeError(f"espeak-ng does not start with its data in {data.decode()}")
    return library, rate


def speak(
    text: str, voice: str = "en", speed: int = 160, pitch: int = 50
) -> tuple[np.ndarray, int]:
    """Synthesizes `text`. Returns float32 (samples,) in [-1, 1] and the sample rate in Hz.

    Args:
        voice: a language or voice name of espeak-ng.
        speed: words per minute.
        pitch: 0 to 100.
    """
    library, rate = _library()
    pieces: list[np.ndarray] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def receive(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(receive)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(_RATE, speed, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    content = text.encode()
    library.espeak_Synth(content, len(content) + 1, 0, 0, 0, _UTF8, None, None)
    return np.concatenate(pieces).astype(np.float32) / 32768, rate
