"""A client for TensorFlow Serving and other servers with the same REST protocol.

    python client.py http://localhost:8501 mel.npy sound.wav
    python client.py http://localhost:8501 speech.wav sound.wav

A `.npy` file holds a log-mel (frames, n_mels). For a wav file (16 bits, one channel, the voice's
sample rate), the server computes the log-mel. Needs only NumPy.
"""

import argparse
import http.client
import json
import urllib.error
import urllib.request
import wave
from pathlib import Path
from typing import Any

import numpy as np

# Seconds without a byte from the server after which a request ends.
_TIMEOUT_SECONDS = 60


class Client:
    """Sends requests to a server.

    Args:
        url: the server's address, such as http://localhost:8501.
    """

    def __init__(self, url: str):
        self._url = url.rstrip("/") + "/v1/models/voice:predict"

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """Vocodes a mel with the signature `padded`, whose requests a server can batch.

        Args:
            mel: log-mel, float (frames, n_mels).

        Returns:
            The waveform, float32 (samples,).

        Raises:
            RuntimeError: the server returned an error, or none of the samples it should.
        """
        return sound(self.send(request("padded", mel=[mel.tolist()], lengths=[len(mel)])))

    def log_mel(self, waveform: np.ndarray) -> np.ndarray:
        """Computes the log-mel of a waveform on the server, in the voice's convention.

        Args:
            waveform: float (samples,) in [-1, 1], at the voice's sample rate.

        Returns:
            The log-mel, float32 (frames, n_mels).

        Raises:
            RuntimeError: the server returned an error.
        """
        return np.asarray(self.call("log_mel", waveform=[waveform.tolist()])[0], np.float32)

    def mel_spec(self) -> dict[str, Any]:
        """The mel convention of the voice; `sample_rate` is the rate of its waveforms, Hz."""
        return json.loads(self.call("mel_spec"))

    def call(self, signature: str, **inputs: Any) -> Any:
        """Calls a signature.

        Args:
            signature: the name of the signature.
            **inputs: its inputs as JSON values, by name.

        Returns:
            Its outputs as JSON values.

        Raises:
            RuntimeError: the server returned an error.
        """
        return _outputs(self.send(request(signature, **inputs)))

    def send(self, body: bytes) -> bytes:
        """Sends the body of a request and returns the body of the response.

        Raises:
            RuntimeError: the server returned an error, or does not answer.
        """
        message = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(message, timeout=_TIMEOUT_SECONDS) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code} {error.reason}: {error.read().decode()}") from None
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeError(f"the server does not answer ({error})") from None


def request(signature: str, **inputs: Any) -> bytes:
    """The body of a request that calls a signature."""
    return json.dumps({"signature_name": signature, "inputs": inputs}).encode()


def _outputs(answer: bytes) -> Any:
    try:
        return json.loads(answer)["outputs"]
    except (ValueError, TypeError, LookupError):
        raise RuntimeError(
            'the response is not {"outputs": …}; is this a voice\'s server?'
        ) from None


def sound(answer: bytes) -> np.ndarray:
    """The waveform, float32 (samples,), in a response of `padded` for one mel.

    Raises:
        RuntimeError: the response holds no waveform, or values that are not finite.
    """
    outputs = _outputs(answer)
    try:
        waveform = np.asarray(outputs["audio"][0][: outputs["samples"][0]], np.float32)
    except (ValueError, TypeError, LookupError):
        raise RuntimeError("the response is not one of the signature padded") from None
    if not np.isfinite(waveform).all():
        raise RuntimeError("the response holds samples that are not finite")
    return waveform


def read_mel(path: str) -> np.ndarray:
    """Reads a `.npy` file.

    Raises:
        ValueError: the file is no array, or is damaged.
        OSError: the file cannot be read.
    """
    try:
        # Unlike reading, mapping compares the size in the header with that of the file first.
        mel = np.load(path, mmap_mode="r")
    except (EOFError, OverflowError, TypeError, ValueError):
        raise ValueError(f"{path}: is not a .npy file of numbers, or is damaged") from None
    if not isinstance(mel, np.ndarray):
        raise ValueError(f"{path}: holds several arrays; give a .npy file with one")
    return mel


def read_wav(path: str, rate: int) -> np.ndarray:
    """Reads a wav file of 16 bits and one channel as float32 (samples,) in [-1, 1].

    Raises:
        ValueError: the file is no such wav, has another sample rate, or is cut off.
        OSError: the file cannot be read.
    """
    try:
        with wave.open(path) as file:
            if (file.getsampwidth(), file.getnchannels(), file.getframerate()) != (2, 1, rate):
                raise ValueError(f"{path}: give a wav of 16 bits, one channel and {rate} Hz")
            samples = file.getnframes()
            if 2 * samples > Path(path).stat().st_size:
                raise ValueError(f"{path}: is cut off before its {samples} samples; copy it again")
            return np.frombuffer(file.readframes(samples), "<i2") / np.float32(32768)
    except (wave.Error, EOFError):
        raise ValueError(f"{path}: is not a wav file, or is damaged; copy it again") from None


def write_wav(path: str, audio: np.ndarray, rate: int) -> None:
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.clip(np.round(audio * 32768), -32768, 32767).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Vocodes a mel or a wav file on a server.")
    parser.add_argument("url", help="such as http://localhost:8501")
    parser.add_argument("source", help="a .npy file with a log-mel, or a wav file")
    parser.add_argument("target", help="the wav file to write")
    options = parser.parse_args()
    client = Client(options.url)
    try:
        rate = client.mel_spec()["sample_rate"]
        if options.source.endswith(".npy"):
            mel = read_mel(options.source)
        else:
            mel = client.log_mel(read_wav(options.source, rate))
        write_wav(options.target, client.vocode(mel), rate)
    except RuntimeError as error:
        parser.exit(2, f"{options.url}: {error}\n")
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
