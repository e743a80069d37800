"""The GAN as a Keras model: its networks, the losses of a step, and the averaged weights."""

from pathlib import Path
from typing import Any

import keras
from keras import ops

from tf_melgan.config import Config
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.losses.adversarial import (
    accuracy,
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
    mean_scores,
)
from tf_melgan.losses.registry import spectral_loss
from tf_melgan.models.base import Generator, Outputs
from tf_melgan.training.averaging import update_average
from tf_melgan.training.keras_methods import KerasMethods


@keras.saving.register_keras_serializable("tf_melgan")
class MelGAN(KerasMethods):
    """A generator and its discriminators, trained together with `compile` and `fit`.

    `fit` and `evaluate` take batches of (log-mel, waveform) with shapes (batch, frames, n_mels) and
    (batch, frames · hop, 1) or (batch, frames · hop), as `tf_melgan.segments` yields them. Calling
    the model runs the generator: log-mel (batch, frames, n_mels) → waveform
    (batch, frames · hop, 1).

    Examples:
        >>> model = tf_melgan.MelGAN(tf_melgan.Config())
        >>> model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
        >>> model.fit(batches, steps_per_epoch=1000, epochs=400, shuffle=False)

    Source: Kumar et al. 2019, MelGAN: Generative Adversarial Networks for Conditional Waveform
    Synthesis.

    Args:
        config: the models, the losses with their weights, and the decay of the averaged weights.
        **kwargs: passed to `keras.Model`, such as `dtype`, a precision policy.

    Attributes:
        generator: the model that is trained to vocode.
        discriminator: the discriminators as one model.
        average: the generator with exponentially averaged weights; None if
            `config.training.ema_decay` is 0.
        average_total: the total weight of what `average` averages; see `training.averaging`.
        adversarial: whether the discriminators take part in the training step.
    """

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        policy = self.dtype_policy
        self.generator = config.generator.build_generator(config.mel, dtype=policy)
        self.discriminator = config.discriminator.build_discriminator(dtype=policy)
        self.average = None
        if config.training.ema_decay > 0:
            self.average = config.generator.build_generator(config.mel, dtype=policy)
            self.average.trainable = False
            self.average.set_weights(self.generator.get_weights())
            self.average_total = self.add_weight((), "zeros", trainable=False, name="average_total")
        self.adversarial = True
        names = config.loss.active_terms(adversarial=False)
        self._spectral_losses = {name: spectral_loss(name) for name in names}
        self._means = {name: keras.metrics.Mean(name) for name in self._metric_names()}
        self.built = True

    def call(self, mel: Any) -> Any:
        return self.generator(mel)

    @property
    def inference_generator(self) -> Generator:
        """The generator to vocode with: the averaged one if there is one."""
        return self.average or self.generator

    def save_generator(self, path: str | Path) -> None:
        """Writes the generator to vocode with as a `.keras` file that `Vocoder.load` opens.

        Args:
            path: the `.keras` file to write.

        Raises:
            UserInputError: the file cannot be written.
        """
        KerasEngine(self.inference_generator, self.config.mel).save(path)

    def discriminate(self, real: Any, fake: Any, training: bool = True) -> tuple[Outputs, Outputs]:
        """Runs the discriminators on both waveforms in one pass, as one batch.

        Args:
            real: recorded waveforms (batch, samples, 1).
            fake: generated waveforms (batch, samples, 1).
            training: whether this is a step of training.

        Returns:
            The discriminators' outputs for `real` and for `fake`.
        """
        pairs = [
            [ops.split(output, 2) for output in scale]
            for scale in self.discriminator(ops.concatenate((real, fake)), training=training)
        ]
        real_outputs, fake_outputs = (
            [[pair[half] for pair in scale] for scale in pairs] for half in (0, 1)
        )
        return real_outputs, fake_outputs

    def discriminator_losses(self, real: Outputs, fake: Outputs) -> dict[str, Any]:
        """The discriminators' loss, under "discriminator", their accuracy and their mean scores.

        Args:
            real: the discriminators' outputs for recorded waveforms.
            fake: the discriminators' outputs for generated waveforms.

        Returns:
            Scalars by name: "discriminator", "discriminator_accuracy", and "score_real_1",
            "score_fake_1", … for each scale.
        """
        loss_type = self.config.loss.adversarial
        terms = {
            "discriminator": discriminator_loss(loss_type, real, fake),
            "discriminator_accuracy": accuracy(loss_type, real, fake),
        }
        for name, outputs in (("real", real), ("fake", fake)):
            for scale, score in enumerate(mean_scores(outputs), 1):
                terms[f"score_{name}_{scale}"] = score
        return terms

    def generator_losses(
        self, real: Any, fake: Any, real_outputs: Any, training: bool = True
    ) -> dict[str, Any]:
        """The generator's loss, under "generator", and its terms.

        Args:
            real: recorded waveforms (batch, samples, 1).
            fake: generated waveforms (batch, samples, 1).
            real_outputs: the discriminators' outputs for `real`; None in pre-training.
            training: whether this is a step of training.

        Returns:
            Scalars by name: "generator", the weighted sum, and each unweighted term.
        """
        weights = self.config.loss.active_terms(self.adversarial)
        terms: dict[str, Any] = {}
        fake_outputs: Any = None
        if "adversarial" in weights or "feature_matching" in weights:
            fake_outputs = self.discriminator(fake, training=training)
        for name in weights:
            if name == "adversarial":
                terms[name] = generator_loss(self.config.loss.adversarial, fake_outputs)
            elif name == "feature_matching":
                terms[name] = feature_matching_loss(
                    real_outputs, fake_outputs, self.config.loss.feature_matching_reduction
                )
            else:
                terms[name] = self._spectral_losses[name](real, fake, self.config.mel)
        total = ops.sum(ops.stack([weights[name] * terms[name] for name in weights]))
        return {"generator": total, **terms}

    def evaluation_losses(self, mel: Any, real: Any) -> dict[str, Any]:
        """The losses and scores of a batch, without an update.

        Args:
            mel: log-mels (batch, frames, n_mels).
            real: recorded waveforms (batch, frames · hop, 1).

        Returns:
            What `generator_losses` and, with discriminators, `discriminator_losses` return.
        """
        fake = self.generator(mel, training=False)
        real_outputs, discriminator_losses = None, {}
        if self.adversarial:
            real_outputs, fake_outputs = self.discriminate(real, fake, training=False)
            discriminator_losses = self.discriminator_losses(real_outputs, fake_outputs)
        return discriminator_losses | self.generator_losses(real, fake, real_outputs, False)

    def update_average(self) -> None:
        """Takes the generator's weights into its average, if there is one."""
        if self.average is not None:
            decay = self.config.training.ema_decay
            update_average(self.average, self.average_total, self.generator, decay)

    def _metric_names(self) -> list[str]:
        names = ["loss", "generator", *self.config.loss.active_terms(self.adversarial)]
        if self.adversarial:
            scales = range(1, self.config.discriminator.outputs + 1)
            names += ["discriminator", "discriminator_accuracy"]
            names += [f"score_{name}_{scale}" for name in ("real", "fake") for scale in scales]
        return names

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "MelGAN":
        return cls(**{**config, "config": Config.from_dict(config["config"])})
