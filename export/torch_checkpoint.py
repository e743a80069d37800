"""Exports a MelGAN generator as a checkpoint of MelGAN's official PyTorch code, without torch.

The file is what `torch.save(netG.state_dict(), "best_netG.pt")` writes there: a zip archive with
the numbers of each tensor, and a pickle that says which tensors they are. The pickle calls no
function but those that restore tensors, so that `torch.load(weights_only=True)` reads it.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from tf_melgan.errors import UserInputError, require
from tf_melgan.files import atomic_file
from tf_melgan.models.base import Generator
from tf_melgan.models.melgan.generator import MelGANGenerator

_UPSAMPLING = (8, 8, 2, 2)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry, so that equal weights give equal files
Tensors = dict[str, np.ndarray]


def export_torch(generator: Generator, path: str | Path) -> None:
    """Writes a MelGAN generator as the official code's `best_netG.pt`.

    `Generator(n_mels, channels // 16, len(dilations))` of descriptinc/melgan-neurips loads it with
    `load_state_dict(torch.load(path))`. Of the weight normalization, v is the kernel and g its
    length.

    Examples:
        >>> from tf_melgan.export import export_torch
        >>> export_torch(model.inference_generator, "best_netG.pt")

    Args:
        generator: a trained generator, with weight normalization or folded.
        path: the file to write, usually with the suffix `.pt`.

    Raises:
        UserInputError: the official code has no such generator, or the file cannot be written.
    """
    if not isinstance(generator, MelGANGenerator):
        raise UserInputError(
            f"{path}: {type(generator).__name__} is no generator of MelGAN's official code; export "
            "to onnx or tflite, or a voice whose generator is melgan"
        )
    _require_official(generator, path)
    content = _saved(dict(_state(generator.folded())))
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def _require_official(generator: MelGANGenerator, path: str | Path) -> None:
    powers = tuple(3**power for power in range(len(generator.dilations)))
    for key, value, known in (
        ("bands", generator.bands, 1),
        ("upsampling", generator.upsampling, _UPSAMPLING),
        ("dilations", generator.dilations, powers),
    ):
        require(
            value == known,
            f"{path}: MelGAN's official code has {key} {known}, and this voice {value}; export to "
            "onnx or tflite",
        )


def _state(generator: MelGANGenerator) -> Iterator[tuple[str, np.ndarray]]:
    """The tensors of the official generator by name; `model.N` is its N-th layer."""
    yield from _convolution("model.1", generator.first)
    index = 2
    for upsampler, stack in zip(generator.upsamplers, generator.stacks, strict=True):
        yield from _convolution(f"model.{index + 1}", upsampler)
        index += 2
        for block in zip(stack.dilated, stack.pointwise, stack.shortcuts, strict=True):
            for name, layer in zip(("block.2", "block.4", "shortcut"), block, strict=True):
                yield from _convolution(f"model.{index}.{name}", layer)
            index += 1
    yield from _convolution(f"model.{index + 2}", generator.last)


def _convolution(name: str, layer: keras.layers.Layer) -> Iterator[tuple[str, np.ndarray]]:
    # The order of torch, whose transposed layers have their axes in the same order as Keras.
    kernel = keras.ops.convert_to_numpy(layer.kernel).transpose(2, 1, 0)
    length = np.sqrt(np.sum(np.square(kernel, dtype=np.float64), (1, 2), keepdims=True))
    yield f"{name}.bias", keras.ops.convert_to_numpy(layer.bias)
    yield f"{name}.weight_g", length
    yield f"{name}.weight_v", kernel


def _saved(tensors: Tensors) -> bytes:
    """The bytes that `torch.save` writes for an `OrderedDict` of float32 tensors."""
    entries = {"data.pkl": _pickled(tensors), "byteorder": b"little", "version": b"3\n"}
    for index, tensor in enumerate(tensors.values()):
        entries[f"data/{index}"] = tensor.astype("<f4").tobytes()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(f"voice/{name}", _EPOCH), content)
    return file.getvalue()


def _pickled(tensors: Tensors) -> bytes:
    """The pickle of the names and shapes, whose numbers are the storages "0", "1", …"""
    items = b"".join(
        _text(name) + _tensor(index, tensor.shape)
        for index, (name, tensor) in enumerate(tensors.items())
    )
    filled = _called("collections OrderedDict") + pickle.MARK + items + pickle.SETITEMS
    return pickle.PROTO + b"\x02" + filled + pickle.STOP


def _tensor(index: int, shape: tuple[int, ...]) -> bytes:
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    storage = _tuple(
        _text("storage"),
        _global("torch FloatStorage"),
        _text(str(index)),
        _text("cpu"),
        _number(int(np.prod(shape))),
    )
    return _called(
        "torch._utils _rebuild_tensor_v2",
        storage + pickle.BINPERSID,
        _number(0),  # where it starts in the storage
        _tuple(*map(_number, shape)),
        _tuple(*map(_number, strides)),
        pickle.NEWFALSE,  # it needs no gradient
        _called("collections OrderedDict"),  # and has no hooks
    )


def _called(name: str, *arguments: bytes) -> bytes:
    return _global(name) + _tuple(*arguments) + pickle.REDUCE


def _global(name: str) -> bytes:
    return pickle.GLOBAL + name.replace(" ", "\n").encode() + b"\n"


def _tuple(*items: bytes) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE


def _text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value)) + value.encode()


def _number(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)
