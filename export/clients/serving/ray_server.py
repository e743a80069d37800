"""Serves a SavedModel voice with Ray Serve, over the REST protocol of TensorFlow Serving.

    python ray_server.py models/voice/1 --port 8501

Requests for the signature `padded` that arrive at about the same time are computed as one batch,
also if their lengths differ. Invalid requests get status 400 and the reason.
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

# Maximum frames per batch, padding included; on CPUs larger batches are not faster.
_BATCH_FRAMES = 512
# Maximum frames per mel, which limits the memory of a request. A mel with more frames than a batch
# is computed by itself.
_MOST_FRAMES = 2048
_SERVED = ("padded", "log_mel", "mel_spec")
_URL = "/v1/models/voice"
http = FastAPI()


# Ray sends the class to its replica together with the definitions above it.
def _padded_frames(mels: list[np.ndarray]) -> int:
    frames = len(mels) * max(len(mel) for mel in mels)
    return frames if len(mels) > 1 else min(frames, _BATCH_FRAMES)


def _array(name: str, values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """An input's JSON values as an array, checked for the type and shape of `spec`.

    Raises:
        UserInputError: the values have another type or shape, or are empty.
    """
    dtype = spec.dtype.as_numpy_dtype
    try:
        array = np.asarray(values)
    except ValueError:
        raise UserInputError(f"{name} has rows of different lengths; pad them") from None
    wrong_type = not np.can_cast(array.dtype, dtype, "same_kind")
    if wrong_type or (spec.dtype.is_integer and (array != array.astype(dtype)).any()):
        raise UserInputError(f"{name} holds values that are not {spec.dtype.name}")
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
    """The HTTP server of one voice.

    Args:
        path: the SavedModel's folder.
    """

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
        ok = {"error_code": "OK", "error_message": ""}
        versions = [{"version": "1", "state": "AVAILABLE", "status": ok}]
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
        # As in TensorFlow Serving, a single output is returned without its name.
        return _answer({"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))})

    def _inputs(self, body: bytes) -> tuple[str, dict[str, np.ndarray]]:
        """The requested signature and its inputs."""
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
        specs = self._signatures[name].structured_input_signature[1]
        if inputs.keys() != specs.keys():
            raise UserInputError(f"inputs are {sorted(inputs)}; {name} takes {sorted(specs)}")
        return name, {key: _array(key, inputs[key], spec) for key, spec in specs.items()}

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
        # Ray closes a batch even while another one is being computed. Requests that arrive in the
        # meantime wait here, so that they form larger batches.
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
