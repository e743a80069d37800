"""Asks a server for sound: TensorFlow Serving, or whatever else speaks its REST protocol.

    python client.py http://localhost:8501 mel.npy sound.wav
    python client.py http://localhost:8501 speech.wav sound.wav

A `.npy` holds a log-mel (frames, n_mels); of a wav (16 bits, one channel, the voice's sample rate)
the server makes the log-mel. Needs NumPy alone.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
import wave
from typing import Any

import numpy as np


class Client:
    """Args: url: of the server, such as http://localhost:8501."""

    def __init__(self, url: str):
        self._url = url.rstrip("/") + "/v1/models/voice:predict"

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel (frames, n_mels) → float32 (samples,).

        The signature `padded` is the one whose requests a server can join into batches.
        """
        return sound(self.send(request("padded", mel=[mel.tolist()], lengths=[len(mel)])))

    def log_mel(self, waveform: np.ndarray) -> np.ndarray:
        """Floats (samples,) in [-1, 1] → the log-mel that the voice reads, (frames, n_mels)."""
        return np.asarray(self.call("log_mel", waveform=[waveform.tolist()])[0], np.float32)

    def mel_spec(self) -> dict[str, Any]:
        """Which log-mel the voice reads; `sample_rate` is that of its sound."""
        return json.loads(self.call("mel_spec"))

    def call(self, signature: str, **inputs: Any) -> Any:
        """The outputs of a signature.

        Raises:
            RuntimeError: the server's reason for an answer that is none.
        """
        return json.loads(self.send(request(signature, **inputs)))["outputs"]

    def send(self, body: bytes) -> bytes:
        """The server's answer to a request, as `call` raises errors."""
        message = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(message) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code} {error.reason}: {error.read().decode()}") from None


def request(signature: str, **inputs: Any) -> bytes:
    return json.dumps({"signature_name": signature, "inputs": inputs}).encode()


def sound(answer: bytes) -> np.ndarray:
    """Float32 (samples,) of the answer to a request for `padded` with one mel."""
    outputs = json.loads(answer)["outputs"]
    return np.asarray(outputs["audio"][0][: outputs["samples"][0]], np.float32)


def read_wav(path: str, rate: int) -> np.ndarray:
    with wave.open(path) as file:
        if (file.getsampwidth(), file.getnchannels(), file.getframerate()) != (2, 1, rate):
            raise SystemExit(f"{path}: give a wav of 16 bits, one channel and {rate} Hz")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)


def write_wav(path: str, audio: np.ndarray, rate: int) -> None:
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.clip(np.round(audio * 32768), -32768, 32767).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Asks a server for sound.")
    parser.add_argument("url", help="such as http://localhost:8501")
    parser.add_argument("source", help="a .npy of a log-mel, or a wav")
    parser.add_argument("target", help="the wav to write")
    options = parser.parse_args()
    client = Client(options.url)
    try:
        rate = client.mel_spec()["sample_rate"]
        if options.source.endswith(".npy"):
            mel = np.load(options.source)
        else:
            mel = client.log_mel(read_wav(options.source, rate))
        write_wav(options.target, client.vocode(mel), rate)
    except (RuntimeError, OSError) as error:
        sys.exit(f"{options.url}: {error}")


if __name__ == "__main__":
    main()
