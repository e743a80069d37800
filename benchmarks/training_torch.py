"""The PyTorch implementation for benchmarks.training: the tests' reference step, optimized."""

import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.training_worker import THREADS, TrainingWorker, random_batch

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers import oracle_weights, torch_oracle

LOSSES = torch_oracle.Losses(
    "hinge", "mean_of_scales", {"adversarial": 1.0, "feature_matching": 10.0}
)


class TorchTraining(TrainingWorker):
    """The reference step, with torch.compile if `name` is "torch-compiled"."""

    def __init__(self, name: str):
        torch.set_num_threads(THREADS)
        torch.manual_seed(0)
        self.models = {
            "generator": torch_oracle.Generator(80, 512, (8, 8, 2, 2), (1, 3, 9)),
            "discriminator": torch_oracle.MultiScaleDiscriminator(3, 16, 1024, (4, 4, 4, 4)),
        }
        compiled = name == "torch-compiled"
        self.run = [torch.compile(m) if compiled else m for m in self.models.values()]
        self.data = [torch.from_numpy(x.swapaxes(1, 2).copy()) for x in random_batch()]

    def settings(self) -> str:
        return "Adam fused, no gradients of the discriminator's weights in the generator's step"

    def save(self, path: str) -> dict:
        np.savez(path, **{key: value.detach().numpy() for key, value in self._weights()})
        return {}

    def start(self, path: str, optimizer: str) -> dict:
        saved = np.load(path)
        for key, value in self._weights():
            value.data.copy_(torch.from_numpy(saved[key]))
        optimizers = {
            "sgd": lambda p: torch.optim.SGD(p, 1e-2),
            "adam": lambda p: torch.optim.Adam(p, 1e-4, (0.5, 0.9), 1e-8, fused=True),
        }
        self.optimizers = [optimizers[optimizer](m.parameters()) for m in self.models.values()]
        return {}

    def step(self) -> dict[str, float]:
        losses = torch_oracle.train_step(*self.run, self.optimizers, LOSSES, *self.data)
        return {name: value.item() for name, value in losses.items()}

    def _weights(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [
            (f"{name} {index}", parameter)
            for name, model in self.models.items()
            for index, parameter in enumerate(oracle_weights.parameters(model))
        ]
