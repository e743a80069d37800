"""Serves a SavedModel voice with Ray Serve, over the REST protocol of TensorFlow Serving.

    python ray_server.py models/voice/1 --port 8501

Requests for the signature `padded` that arrive at about the same time are computed as one batch,
also if their lengths differ. Invalid requests get status 400 and the reason; `gateway.py` bounds
how much clients can ask for.
"""

import argparse
import asyncio
import os
from itertools import chain
from typing import Any

# Ray then binds its own ports to loopback, on every system. It reads this when it is imported.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")

import numpy as np
import orjson
import ray
import tensorflow as tf
import uvicorn
from gateway import Connection, Gateway
from ray import serve
from ray.serve._private import replica

from tf_melgan.audio.conventions import check_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines.saved_model import read

# Maximum frames per batch, padding included; on CPUs larger batches are not faster.
_BATCH_FRAMES = 512
# Maximum rows of a request, and frames of all its rows, padding included. A mel with more frames
# than a batch is computed by itself.
_MOST_ROWS = 64
_MOST_FRAMES = 2048
# Memory that Ray shares between its processes: the requests and answers in the queue.
_SHARED_BYTES = 512 * 2**20
_SERVED = ("padded", "log_mel", "mel_spec")
_URL = "/v1/models/voice"


# Ray sends the class to its replica together with the definitions above it.
def _padded_frames(mels: list[np.ndarray]) -> int:
    frames = len(mels) * max(len(mel) for mel in mels)
    return frames if len(mels) > 1 else min(frames, _BATCH_FRAMES)


def _array(name: str, values: Any, spec: tf.TensorSpec) -> np.ndarray:
    """An input's JSON values as an array, checked for the type and shape of `spec`.

    Raises:
        UserInputError: the values have another type or shape, are empty, or are not finite.
    """
    dtype = spec.dtype.as_numpy_dtype
    try:
        array = np.asarray(values)
    except ValueError:
        raise UserInputError(f"{name} has rows of different lengths; pad them") from None
    if not np.can_cast(array.dtype, dtype, "same_kind") or _holds_booleans(values, array.ndim):
        raise UserInputError(f"{name} holds values that are not {spec.dtype.name}")
    with np.errstate(over="ignore"):
        converted = array.astype(dtype)
    if spec.dtype.is_integer and (array != converted).any():
        raise UserInputError(f"{name} holds values that are not {spec.dtype.name}")
    if not array.size or not spec.shape.is_compatible_with(array.shape):
        shape = ", ".join("any" if size is None else str(size) for size in spec.shape)
        raise UserInputError(f"{name} has shape {array.shape}; give ({shape})")
    if not np.isfinite(converted).all():
        raise UserInputError(f"{name} holds infinite values; give finite float32 ones")
    return converted


def _holds_booleans(values: Any, depth: int) -> bool:
    """Whether lists in lists hold a boolean, which NumPy takes for a number."""
    values = [values]
    for _ in range(depth):
        values = chain.from_iterable(values)
    return bool in set(map(type, values))


def _require_size(name: str, rows: int, frames: int) -> None:
    if rows > _MOST_ROWS or rows * frames > _MOST_FRAMES:
        raise UserInputError(
            f"{name} has {rows} rows of {frames} frames; "
            f"give at most {_MOST_ROWS} rows, and {_MOST_FRAMES} frames in all, padding included"
        )


def _encoded(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, default=bytes.decode, option=orjson.OPT_SERIALIZE_NUMPY)


def _bind_replica_to_loopback() -> None:
    # Ray Serve binds the port for calls between replicas to all interfaces, without a setting.
    bind = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, _: bind(server, "127.0.0.1:0")


@serve.deployment(max_ongoing_requests=_BATCH_FRAMES)
class Voice:
    """Answers the requests for one voice.

    Args:
        path: the SavedModel's folder.
    """

    def __init__(self, path: str):
        _bind_replica_to_loopback()
        self._model = tf.saved_model.load(path)
        self._signatures = self._model.signatures
        values = self._signatures["mel_spec"]()["mel_spec"].numpy()
        self._spec = MelSpec.from_dict(orjson.loads(values))
        self._batches = {"count": 0, "mels": 0}
        self._busy, self._idle = 0, asyncio.Event()
        self._idle.set()

    async def status(self, body: bytes) -> tuple[int, bytes]:
        ok = {"error_code": "OK", "error_message": ""}
        versions = [{"version": "1", "state": "AVAILABLE", "status": ok}]
        return 200, _encoded({"model_version_status": versions, "batches": self._batches})

    async def predict(self, body: bytes) -> tuple[int, bytes]:
        try:
            name, inputs = self._inputs(body)
            if name == "padded":
                outputs = await self._padded(**inputs)
            else:
                outputs = await self._unbatched(name, inputs)
        except UserInputError as error:
            return 400, _encoded({"error": str(error)})
        # As in TensorFlow Serving, a single output is returned without its name.
        single = len(outputs) == 1
        return 200, _encoded({"outputs": next(iter(outputs.values())) if single else outputs})

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
        _require_size("mel", batch, frames)
        if lengths.shape != (batch,):
            raise UserInputError(
                f"lengths has shape {lengths.shape} and mel {mel.shape}; give one each"
            )
        if lengths.min() < 1 or lengths.max() > frames:
            raise UserInputError(f"lengths are {lengths.tolist()}; give 1 to {frames} frames")
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

    async def _unbatched(self, name: str, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
        for key, array in inputs.items():  # of `log_mel`, the waveform
            _require_size(key, len(array), self._spec.frames(array.shape[1]))
        return await asyncio.to_thread(self._computed, name, inputs)

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
    try:
        read(options.voice)
    except UserInputError as error:
        parser.exit(2, f"{error}\n")
    ray.init(
        _node_ip_address="127.0.0.1", include_dashboard=False, object_store_memory=_SHARED_BYTES
    )
    serve.start(proxy_location="Disabled")
    voice = serve.run(Voice.bind(options.voice))
    calls = {("GET", _URL): voice.status.remote, ("POST", _URL + ":predict"): voice.predict.remote}
    uvicorn.run(
        Gateway(calls),
        host="127.0.0.1",
        port=options.port,
        http=Connection,
        ws="none",
        lifespan="off",
        log_level="error",
    )
