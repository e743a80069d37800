"""Makes the files that the engines open, all of the same weights, and what they have to sound like.

    python -m benchmarks.inference_peers.build FOLDER [--model VOICE] FILE…

A process of its own, so that converting is not part of any engine's memory. It fills the folder
with the files, and with mel-N.npy and reference-N.npy: N frames of speech, and the sound that the
Keras generator makes of them. voice.json says of which kind it is, the mel it reads and what it
computes. A file that no peer of this kind of generator opens is left out.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.inference_peers.tensorflowtts import tensorflowtts
from tf_melgan.audio.mel import log_mel
from tf_melgan.audio.mel_spec import MelSpec
from tf_melgan.audio.sound_files import load_audio
from tf_melgan.errors import UserInputError
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.saved_model import export_saved_model
from tf_melgan.export.signatures import concrete
from tf_melgan.export.tflite.exporter import convert, export_tflite
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.models.base import Generator
from tf_melgan.models.cost import generator, gmacs
from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.fourier.generator import FourierGenerator
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.melgan.generator import MelGANGenerator
from tf_melgan.voices import voice_file

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from helpers import speech

FRAMES = (32, 520)
STEPS = (1, 4, 8, 16, 32)
# The first are spoken, the others calibrate the kinds of weights that need it.
_RECORDINGS, _SPOKEN = 16, 4


def voice(model: str | None) -> KerasEngine:
    """The generator of a run or a file, or the paper's with random weights."""
    if model is None:
        keras.utils.set_random_seed(0)
        # "torch": the other initial values make hardly any sound.
        generator = MelGANGenerator(initializer="torch")
        generator.build((None, None, generator.n_mels))
        return KerasEngine(generator, MelSpec())
    opened = KerasEngine.open(Path(model))
    if isinstance(opened.generator, MelGANGenerator) and opened.generator.bands > 1:
        raise UserInputError(f"{model}: has several bands; the peers know a generator of one band")
    return opened


def speech_mels(spec: MelSpec) -> list[np.ndarray]:
    """Float32 log-mels (frames, n_mels) of recordings."""
    sounds = [load_audio(path, spec.sample_rate) for path in speech.recordings(_RECORDINGS)]
    return [log_mel(sound, spec).astype(np.float32) for sound in sounds]


def config(generator: Generator) -> MelGANConfig | FourierConfig:
    """What describes the generator."""
    kind = FourierConfig if isinstance(generator, FourierGenerator) else MelGANConfig
    names = [item.name for item in fields(kind) if item.name != "kind"]
    return kind(**{name: getattr(generator, name) for name in names})


def weights(generator: Generator, path: Path) -> None:
    """What the PyTorch model is made with, as `geometry`, and its values in PyTorch's layout."""
    if isinstance(generator, FourierGenerator):
        geometry, values = of_fourier(generator)
    else:
        geometry, values = of_melgan(generator)
    np.savez(path, geometry=json.dumps(geometry), **values)


def of_melgan(generator: MelGANGenerator) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The official model's arguments, and kernels and biases in its order."""
    layers = [generator.first]
    for upsampler, stack in zip(generator.upsamplers, generator.stacks, strict=True):
        layers.append(upsampler)
        for block in zip(stack.dilated, stack.pointwise, stack.shortcuts, strict=True):
            layers += block
    geometry = {key: getattr(generator, key) for key in ("n_mels", "channels")}
    geometry |= {"upsampling": generator.upsampling, "dilations": generator.dilations}
    values = {}
    for index, layer in enumerate([*layers, generator.last]):
        values[f"kernel {index}"] = np.ascontiguousarray(layer.kernel.numpy().T)
        values[f"bias {index}"] = layer.bias.numpy()
    return geometry, values


def of_fourier(generator: FourierGenerator) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The torch model's arguments, and values by its parameters' names, but for axes of one."""
    layers = {"first": generator.first, "first_norm.norm": generator.first_norm}
    layers |= {"last_norm.norm": generator.last_norm, "last": generator.last}
    values = {}
    for index, block in enumerate(generator.blocks):
        name = f"blocks.{index}"
        layers |= {f"{name}.depthwise": block.depthwise, f"{name}.norm.norm": block.norm}
        layers |= {f"{name}.expand": block.expand, f"{name}.contract": block.contract}
        values[f"{name}.gain"] = block.gain.numpy()
    for name, layer in layers.items():
        # A norm has no bias.
        for part, variable in zip(("weight", "bias"), layer.weights, strict=False):
            values[f"{name}.{part}"] = variable.numpy().T
    names = ("n_mels", "hop", "floor", "width", "aheads")
    geometry = {name: getattr(generator, name) for name in names}
    mel = generator.mel
    return geometry | {"rate": mel.sample_rate, "n_fft": mel.n_fft, "fmax": mel.fmax}, values


def onnx(path: Path, n_mels: int, frames: int) -> None:
    import torch

    from benchmarks.inference_peers.torch_engines import folded

    model = folded(path.with_name("weights.npz"))
    mel = torch.zeros(1, n_mels, frames)
    torch.onnx.export(model, (mel,), path, dynamo=True, verbose=False, external_data=False)


def litert_of_tensorflowtts(path: Path, frames: int | None) -> None:
    model = tensorflowtts(path.with_name("weights.npz"))
    mel = keras.InputSpec("float32", (1, frames, model.input_shape[-1]))
    model.export(path, format="litert", verbose=False, input_signature=[mel])


def fixed_step(generator: Generator, path: Path, frames: int) -> None:
    """A step of this many frames and no other, the way our own files have it."""
    graph = InferenceGraph(generator)
    names = [f"state_{index:02}" for index in range(len(graph.states))]

    def step(mel: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        sound, after = graph.step(mel, [states[name] for name in names])
        return {"audio": sound, **dict(zip(names, after, strict=True))}

    shapes = dict(zip(names, graph.states, strict=True))
    signature = concrete(step, {"mel": (1, frames, graph.n_mels)} | shapes)
    path.write_bytes(convert(graph, {"step": signature}, "float32"))


def makers(
    voice: KerasEngine, calibration: list[np.ndarray]
) -> dict[str, Callable[[Path], object]]:
    """How each file is made."""
    generator, spec = voice.generator, voice.spec
    made = {
        "weights.npz": lambda path: weights(generator, path),
        "generator.keras": voice.save,
        "saved_model": lambda path: export_saved_model(generator, spec, path),
        "keras.tflite": lambda path: generator.export(path, format="litert", verbose=False),
    }
    for kind in voice_file.WEIGHTS:
        made[f"ours-{kind}.tflite"] = lambda path, kind=kind: export_tflite(
            generator, spec, path, weights=kind, calibration=calibration
        )
    for frames in FRAMES:
        made[f"torch-{frames}.onnx"] = lambda path, frames=frames: onnx(path, spec.n_mels, frames)
    for frames in STEPS:
        made[f"step-{frames}.tflite"] = lambda path, frames=frames: fixed_step(
            generator, path, frames
        )
    if isinstance(generator, MelGANGenerator):
        made["tensorflowtts.tflite"] = lambda path: litert_of_tensorflowtts(path, None)
        for frames in FRAMES:
            made[f"tensorflowtts-{frames}.tflite"] = lambda path, frames=frames: (
                litert_of_tensorflowtts(path, frames)
            )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    spoken = voice(arguments.model)
    mels = speech_mels(spoken.spec)
    mel = np.concatenate(mels[:_SPOKEN])
    for frames in (*STEPS, max(FRAMES)):
        np.save(arguments.folder / f"mel-{frames}.npy", mel[None, :frames])
        np.save(arguments.folder / f"reference-{frames}.npy", spoken.generate(mel[:frames]))
    described = config(spoken.generator)
    macs = gmacs(generator(described, spoken.spec), spoken.spec.sample_rate)
    about = {"kind": described.kind, "mel": spoken.spec.to_dict()}
    about["gflop_per_second_of_audio"] = 2 * macs
    (arguments.folder / "voice.json").write_text(json.dumps(about))
    made = makers(spoken, mels[_SPOKEN:])
    for name in ("weights.npz", "generator.keras", *arguments.files):
        if name in made:
            path = arguments.folder / name
            if not path.exists():
                made[name](path)


if __name__ == "__main__":
    try:
        main()
    except UserInputError as error:
        sys.exit(str(error))
