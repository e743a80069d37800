"""A client for TensorFlow Serving and other servers with the same REST protocol.

    python client.py http://localhost:8501 mel.npy sound.wav
    python client.py http://localhost:8501 speech.wav sound.wav

A `.npy` file holds a log-mel (frames, n_mels). For a wav file (16 bits, one channel, the voice's
sample rate), the server computes the log-mel. Needs only NumPy.
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
            RuntimeError: the server returned an error.
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
        return json.loads(self.send(request(signature, **inputs)))["outputs"]

    def send(self, body: bytes) -> bytes:
        """Sends the body of a request and returns the body of the response.

        Raises:
            RuntimeError: the server returned an error.
        """
        message = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(message) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code} {error.reason}: {error.read().decode()}") from None


def request(signature: str, **inputs: Any) -> bytes:
    """The body of a request that calls a signature."""
    return json.dumps({"signature_name": signature, "inputs": inputs}).encode()


def sound(answer: bytes) -> np.ndarray:
    """The waveform, float32 (samples,), in a response of `padded` for one mel."""
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
    parser = argparse.ArgumentParser(description="Vocodes a mel or a wav file on a server.")
    parser.add_argument("url", help="such as http://localhost:8501")
    parser.add_argument("source", help="a .npy file with a log-mel, or a wav file")
    parser.add_argument("target", help="the wav file to write")
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
