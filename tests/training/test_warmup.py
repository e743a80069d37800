"""The warm-up of the discriminators, and what a run with them logs and says."""

import json

import numpy as np
from helpers.small_gan import CONFIG, examples

from benchmarks import soak
from tf_melgan.config import Config
from tf_melgan.training.gan import MelGAN
from tf_melgan.training.loop import train
from tf_melgan.training.optimizers import adam
from tf_melgan.training.schedules import discriminator_rate, generator_rate


def test_the_generator_rests_while_the_discriminators_warm_up():
    config = CONFIG.with_values(**{"training.discriminator_warmup": 2})
    model = MelGAN(config)
    model.compile(adam(config, generator_rate(config)), adam(config, discriminator_rate(config)))
    networks = model.generator, model.discriminator

    def moved(steps: int) -> list[bool]:
        before = [network.get_weights() for network in networks]
        model.fit((examples() for _ in range(steps)), steps_per_epoch=steps, verbose=0)
        return [
            any(not np.array_equal(a, b) for a, b in zip(x.get_weights(), y, strict=True))
            for x, y in zip(networks, before, strict=True)
        ]

    assert moved(2) == [False, True]
    assert moved(1) == [True, True]


def test_a_run_logs_gradients_and_accuracy_and_names_discriminators_that_guess(tmp_path, capsys):
    config = Config.from_dict(soak.CONFIG).with_values(
        **{
            "training.steps": 4,
            "training.checkpoint_interval": 2,
            "training.discriminator_start": 2,
            # So slow that they know nothing after two steps.
            "optimizer.discriminator_learning_rate": 1e-9,
        }
    )
    train(config, soak.prepare_noise(tmp_path), tmp_path / "run")
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert "gradient_stft" in first and "gradient_adversarial" not in first
    assert "discriminator_accuracy" not in first
    assert min(second[f"gradient_{x}"] for x in ("stft", "adversarial", "feature_matching")) > 0
    assert 0 < second["discriminator_accuracy"] < 0.55
    assert second["learning_rate_discriminator"] <= 1e-9
    assert capsys.readouterr().err.count("the discriminators only guess") == 1
