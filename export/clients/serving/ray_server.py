"""Serves a SavedModel voice on Ray Serve, over TensorFlow Serving's REST protocol.

    python ray_server.py models/voice/1 --port 8501

Requests for the signature `padded` that come at about the same time are computed as one batch,
whatever their lengths. What cannot be computed is answered with status 400 and the reason.
"""

import argparse
import asyncio
from typing import Any

import numpy as np
import orjson
import tensorflow as tf
from fastapi import FastAPI, Request, Response
from ray import serve

from tf_melgan.audio.conventions import check_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError

# Frames of a batch, the padding of its shorter members included; on CPUs, more are no faster.
_BATCH_FRAMES = 512
# Frames of a mel, which bound the memory that a request takes; longer ones than a batch go alone.
_MOST_FRAMES = 2048
_SERVED = ("padded", "log_mel", "mel_spec")
_URL = "/v1/models/voice"
http = FastAPI()


# Ray sends the class to its replica with what is defined before it.
def _padded_frames(mels: list[np.ndarray]) -> int:
    frames = len(mels) * max(len(mel) for mel in mels)
    return frames if len(mels) > 1 else min(frames, _BATCH_FRAMES)


def _array(name: str, values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """What JSON had for an input, if it has the type and shape of its `spec`, and is not empty."""
    dtype = spec.dtype.as_numpy_dtype
    try:
        array = np.asarray(values)
    except ValueError:
        raise UserInputError(f"{name} has rows of different lengths; fill them up") from None
    unfit = not np.can_cast(array.dtype, dtype, "same_kind")
    if unfit or (spec.dtype.is_integer and (array != array.astype(dtype)).any()):
        raise UserInputError(f"{name} holds what is no {spec.dtype.name}")
    if not array.size or not spec.shape.is_compatible_with(array.shape):
        shape = ", ".join("any" if size is None else str(size) for size in spec.shape)
        raise UserInputError(f"{name} has shape {array.shape}; give ({shape})")
    return array.astype(dtype)


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    body = orjson.dumps(content, default=bytes.decode, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json")


@serve.deployment(max_ongoing_requests=_BATCH_FRAMES)
@serve.ingress(http)
class Voice:
    """Args: path: of the SavedModel."""

    def __init__(self, path: str):
        self._model = tf.saved_model.load(path)
        self._signatures = self._model.signatures
        values = self._signatures["mel_spec"]()["mel_spec"].numpy()
        self._spec = MelSpec.from_dict(orjson.loads(values))
        self._batches = {"count": 0, "mels": 0}
        self._busy, self._idle = 0, asyncio.Event()
        self._idle.set()

    @http.get(_URL)
    async def status(self) -> dict[str, Any]:
        fine = {"error_code": "OK", "error_message": ""}
        versions = [{"version": "1", "state": "AVAILABLE", "status": fine}]
        return {"model_version_status": versions, "batches": self._batches}

    @http.post(_URL + ":predict")
    async def predict(self, request: Request) -> Response:
        try:
            name, inputs = self._inputs(await request.body())
            if name == "padded":
                outputs = await self._padded(**inputs)
            else:
                outputs = await asyncio.to_thread(self._computed, name, inputs)
        except UserInputError as error:
            return _answer({"error": str(error)}, 400)
        # As in TensorFlow Serving, an output that is the only one goes without its name.
        return _answer({"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))})

    def _inputs(self, body: bytes) -> tuple[str, dict[str, np.ndarray]]:
        """The signature that is asked for, and what it is to read."""
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise UserInputError(f"the request is not JSON ({error})") from None
        if not isinstance(message, dict) or not isinstance(message.get("inputs"), dict):
            raise UserInputError(
                'the request is not {"signature_name": …, "inputs": {name: values, …}}'
            )
        name, inputs = message.get("signature_name", "serving_default"), message["inputs"]
        if name not in _SERVED:
            raise UserInputError(f"signature_name is {name!r}; choose {', '.join(_SERVED)}")
        wanted = self._signatures[name].structured_input_signature[1]
        if inputs.keys() != wanted.keys():
            raise UserInputError(f"inputs are {sorted(inputs)}; {name} takes {sorted(wanted)}")
        return name, {key: _array(key, inputs[key], spec) for key, spec in wanted.items()}

    async def _padded(self, mel: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
        batch, frames = mel.shape[:2]
        if lengths.shape != (batch,):
            raise UserInputError(
                f"lengths has shape {lengths.shape} and mel {mel.shape}; give one each"
            )
        if lengths.min() < 1 or lengths.max() > min(frames, _MOST_FRAMES):
            most = min(frames, _MOST_FRAMES)
            raise UserInputError(f"lengths are {lengths.tolist()}; give 1 to {most} frames")
        mels = [check_mel(row[:end], self._spec) for row, end in zip(mel, lengths, strict=True)]
        # Ray closes a batch whether or not it can be computed yet. So what comes while others are
        # computed waits here, to make batches together.
        await self._idle.wait()
        self._idle.clear()
        self._busy += 1
        try:
            sounds = await asyncio.gather(*map(self._vocoded, mels))
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()
        audio = np.zeros((batch, frames * self._spec.hop), np.float32)
        for row, sound in zip(audio, sounds, strict=True):
            row[: len(sound)] = sound
        return {"audio": audio, "samples": lengths * self._spec.hop}

    @serve.batch(
        max_batch_size=_BATCH_FRAMES,
        batch_wait_timeout_s=0,
        batch_size_fn=_padded_frames,
    )
    async def _vocoded(self, mels: list[np.ndarray]) -> list[np.ndarray]:
        lengths = np.array([len(mel) for mel in mels], np.int32)
        shape = (len(mels), lengths.max(), self._spec.n_mels)
        batch = np.full(shape, self._spec.log_floor, np.float32)
        for row, mel in zip(batch, mels, strict=True):
            row[: len(mel)] = mel
        inputs = {"mel": batch, "lengths": lengths}
        outputs = await asyncio.to_thread(self._computed, "padded", inputs)
        self._batches["count"] += 1
        self._batches["mels"] += len(mels)
        return [x[:end] for x, end in zip(outputs["audio"], outputs["samples"], strict=True)]

    def _computed(self, name: str, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        outputs = self._signatures[name](**tensors)
        return {key: value.numpy() for key, value in outputs.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves a SavedModel voice on Ray Serve.")
    parser.add_argument("voice", help="the SavedModel's folder")
    parser.add_argument("--port", type=int, default=8501)
    options = parser.parse_args()
    serve.start(http_options={"host": "127.0.0.1", "port": options.port})
    serve.run(Voice.bind(options.voice), blocking=True)
