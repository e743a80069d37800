"""Makes the files that the engines open, all with the same weights, and the reference's audio.

    python -m benchmarks.inference_peers.build FOLDER [--model VOICE] FILE…

The other benchmarks run it in a separate process, so that conversion does not add to any engine's
memory. It prints nothing and writes to FOLDER: the files; mel-N.npy and reference-N.npy, N frames
of speech and the Keras generator's audio for them; and voice.json with the generator's type, mel
and arithmetic. Files that no peer of this type of generator opens are left out.
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
from tf_melgan.models.cost import gmacs
from tf_melgan.models.fourier.config import FourierConfig
from tf_melgan.models.fourier.generator import FourierGenerator
from tf_melgan.models.melgan.config import MelGANConfig
from tf_melgan.models.melgan.generator import MelGANGenerator
from tf_melgan.voices import voice_file

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from helpers import speech

FRAMES = (32, 520)
STEPS = (1, 4, 8, 16, 32)
# The first recordings are vocoded; the others calibrate the weights that need it.
_RECORDINGS, _VOCODED = 16, 4


def open_voice(model: str | None) -> KerasEngine:
    """The generator of a run or a file, or the paper's with random weights.

    Raises:
        UserInputError: the model has several bands, or cannot be opened.
    """
    if model is None:
        keras.utils.set_random_seed(0)
        # With the initializer "normal" the output would be almost silent.
        generator = MelGANGenerator(initializer="torch")
        generator.build((None, None, generator.n_mels))
        return KerasEngine(generator, MelSpec())
    voice = KerasEngine.open(Path(model))
    if isinstance(voice.generator, MelGANGenerator) and voice.generator.bands > 1:
        raise UserInputError(f"{model}: has several bands; give a generator with one band")
    return voice


def speech_mels(spec: MelSpec) -> list[np.ndarray]:
    """Float32 log-mels (frames, n_mels) of recordings."""
    sounds = [load_audio(path, spec.sample_rate) for path in speech.recordings(_RECORDINGS)]
    return [log_mel(sound, spec).astype(np.float32) for sound in sounds]


def generator_config(generator: Generator) -> MelGANConfig | FourierConfig:
    """The config section that describes the generator."""
    section = FourierConfig if isinstance(generator, FourierGenerator) else MelGANConfig
    names = [item.name for item in fields(section) if item.name != "type"]
    return section(**{name: getattr(generator, name) for name in names})


def write_torch_weights(generator: Generator, path: Path) -> None:
    """Writes the PyTorch model's arguments, as `geometry`, and its weights."""
    if isinstance(generator, FourierGenerator):
        geometry, values = fourier_weights(generator)
    else:
        geometry, values = melgan_weights(generator)
    np.savez(path, geometry=json.dumps(geometry), **values)


def melgan_weights(generator: MelGANGenerator) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The official model's arguments, and its kernels and biases in order."""
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


def fourier_weights(generator: FourierGenerator) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The torch model's arguments, and its parameters by name, without axes of size one."""
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


def export_onnx(path: Path, n_mels: int, frames: int) -> None:
    """Exports the PyTorch model for one length."""
    import torch

    from benchmarks.inference_peers.torch_engines import folded

    model = folded(path.with_name("weights.npz"))
    mel = torch.zeros(1, n_mels, frames)
    torch.onnx.export(model, (mel,), path, dynamo=True, verbose=False, external_data=False)


def export_tensorflowtts(path: Path, frames: int | None) -> None:
    """Converts the model of TensorFlowTTS for one length, or for any."""
    model = tensorflowtts(path.with_name("weights.npz"))
    mel = keras.InputSpec("float32", (1, frames, model.input_shape[-1]))
    model.export(path, format="litert", verbose=False, input_signature=[mel])


def export_fixed_step(generator: Generator, path: Path, frames: int) -> None:
    """Converts the signature `step` of a voice's file for one number of frames."""
    graph = InferenceGraph(generator)
    names = [f"state_{index:02}" for index in range(len(graph.states))]

    def step(mel: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        audio, new_states = graph.step(mel, [states[name] for name in names])
        return {"audio": audio, **dict(zip(names, new_states, strict=True))}

    shapes = dict(zip(names, graph.states, strict=True))
    signature = concrete(step, {"mel": (1, frames, graph.n_mels)} | shapes)
    path.write_bytes(convert(graph, {"step": signature}, "float32"))


def makers(
    voice: KerasEngine, calibration: list[np.ndarray]
) -> dict[str, Callable[[Path], object]]:
    """Functions that make the files, by file name."""
    generator, spec = voice.generator, voice.spec
    functions = {
        "weights.npz": lambda path: write_torch_weights(generator, path),
        "generator.keras": voice.save,
        "saved_model": lambda path: export_saved_model(generator, spec, path),
        "keras.tflite": lambda path: generator.export(path, format="litert", verbose=False),
    }
    for weights in voice_file.WEIGHTS:
        functions[f"tf-melgan-{weights}.tflite"] = lambda path, weights=weights: export_tflite(
            generator, spec, path, weights=weights, calibration=calibration
        )
    for frames in FRAMES:
        functions[f"torch-{frames}.onnx"] = lambda path, frames=frames: export_onnx(
            path, spec.n_mels, frames
        )
    for frames in STEPS:
        functions[f"step-{frames}.tflite"] = lambda path, frames=frames: export_fixed_step(
            generator, path, frames
        )
    if isinstance(generator, MelGANGenerator):
        functions["tensorflowtts.tflite"] = lambda path: export_tensorflowtts(path, None)
        for frames in FRAMES:
            functions[f"tensorflowtts-{frames}.tflite"] = lambda path, frames=frames: (
                export_tensorflowtts(path, frames)
            )
    return functions


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    voice = open_voice(arguments.model)
    mels = speech_mels(voice.spec)
    mel = np.concatenate(mels[:_VOCODED])
    for frames in (*STEPS, max(FRAMES)):
        np.save(arguments.folder / f"mel-{frames}.npy", mel[None, :frames])
        np.save(arguments.folder / f"reference-{frames}.npy", voice.generate(mel[:frames]))
    config = generator_config(voice.generator)
    facts = {
        "type": config.type,
        "mel": voice.spec.to_dict(),
        "gflop_per_second_of_audio": 2
        * gmacs(config.convolutions(voice.spec), voice.spec.sample_rate),
    }
    (arguments.folder / "voice.json").write_text(json.dumps(facts))
    functions = makers(voice, mels[_VOCODED:])
    for name in ("weights.npz", "generator.keras", *arguments.files):
        path = arguments.folder / name
        if name in functions and not path.exists():
            functions[name](path)


if __name__ == "__main__":
    try:
        main()
    except UserInputError as error:
        sys.exit(str(error))
