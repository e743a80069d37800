"""PyTorch: MelGAN as published and folded, and the Fourier generator; eager and compiled."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.inference_peers import Engine

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from helpers import torch_fourier, torch_oracle


def folded(path: Path) -> nn.Module:
    """The model with the weights of a `weights.npz`, MelGAN without weight normalization."""
    values = dict(np.load(path))
    geometry = json.loads(str(values.pop("geometry")))
    if "aheads" in geometry:
        return _fourier(geometry, values)
    model = torch_oracle.Generator(**geometry).eval()
    convs = [m for m in model.modules() if isinstance(m, nn.Conv1d | nn.ConvTranspose1d)]
    for index, conv in enumerate(convs):
        nn.utils.parametrize.remove_parametrizations(conv, "weight")
        conv.weight.data = torch.from_numpy(values[f"kernel {index}"])
        conv.bias.data = torch.from_numpy(values[f"bias {index}"])
    return model


class Block(torch_fourier.Block):
    """With GELU by torch's one operation, which is faster."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.depthwise(torch_fourier.padded(x, self.ahead)))
        return x + self.contract(F.gelu(self.expand(y))) * self.gain[:, None]


class Fourier(torch_fourier.Fourier):
    """With the envelope as one convolution, which is faster."""

    def __init__(self, **geometry: Any):
        super().__init__(**geometry)
        n_mels = geometry["n_mels"]
        mels = torch.eye(n_mels, dtype=torch.float64)[:, :, None]
        offset = super().envelope(torch.zeros_like(mels[:1])).log()[0, :, 0]
        kernel = super().envelope(mels).log()[:, :, 0] - offset
        self.register_buffer("kernel", kernel.T[:, :, None].float(), persistent=False)
        self.register_buffer("offset", offset.float(), persistent=False)

    def envelope(self, mel: torch.Tensor) -> torch.Tensor:
        return F.conv1d(mel, self.kernel, self.offset).exp()


def _fourier(geometry: dict[str, Any], values: dict[str, np.ndarray]) -> nn.Module:
    model = Fourier(**geometry)
    model.blocks = nn.ModuleList(Block(geometry["width"], x) for x in geometry["aheads"][1:])
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    state = {name: torch.from_numpy(value) for name, value in values.items()}
    model.load_state_dict({name: state[name].reshape(shape) for name, shape in shapes.items()})
    return model.eval()


def published(path: Path) -> nn.Module:
    """MelGAN with weight normalization at every call, as the official code has it."""
    model = folded(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        for module in list(model.modules()):
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                nn.utils.weight_norm(module)
    return model


class _Torch(Engine):
    flags = ""

    def __init__(self, threads: int):
        super().__init__(threads)
        torch.set_num_threads(threads)

    def open(self, path: Path, mel: np.ndarray) -> None:
        self._mel = torch.from_numpy(mel.swapaxes(1, 2).copy())
        self._model = self._load(path)

    def run(self) -> np.ndarray:
        with torch.inference_mode():
            return self._model(self._mel).numpy()

    def settings(self) -> dict[str, str]:
        precision = torch.get_float32_matmul_precision()
        convolutions = torch.backends.mkldnn.conv.fp32_precision
        return {
            "version": f"torch {torch.__version__}",
            "flags": f"{self.flags}, oneDNN, float32 precision: matmul {precision}, "
            f"convolutions {convolutions} (no bfloat16)",
        }


class Published(_Torch):
    """`published`."""

    flags = "eager, torch.nn.utils.weight_norm kept"
    _load = staticmethod(published)


class Folded(_Torch):
    """`folded`."""

    flags = "eager, folded"
    _load = staticmethod(folded)


class Eager(Folded):
    """The Fourier generator, which has no weight normalization to fold."""

    flags = "eager"


class Compiled(_Torch):
    """`folded` with torch.compile, for one length."""

    flags = "torch.compile(mode default, dynamic=False), folded"

    def _load(self, path: Path) -> nn.Module:
        return torch.compile(folded(path), dynamic=False)
