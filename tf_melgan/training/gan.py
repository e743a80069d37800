"""The GAN as a Keras model: the losses and updates of a training step, on any backend."""

from pathlib import Path
from typing import Any

import keras
from keras import ops

from tf_melgan.config import Config
from tf_melgan.inference.engines.keras_engine import KerasEngine
from tf_melgan.losses.adversarial import (
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
    mean_scores,
)
from tf_melgan.losses.registry import spectral_loss
from tf_melgan.models.base import Generator, Outputs
from tf_melgan.training import backends
from tf_melgan.training.optimizers import OptimizerPair


@keras.saving.register_keras_serializable("tf_melgan")
class MelGAN(backends.TrainStep):
    """A generator and its discriminators, trained together with `compile` and `fit`.

    `fit` takes batches of (log-mel, waveform) with shapes (batch, frames, n_mels) and
    (batch, frames · hop, 1), as `tf_melgan.segments` yields them. Calling the model runs the
    generator: log-mel (batch, frames, n_mels) → waveform (batch, frames · hop, 1).

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

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        adversarial: bool = True,
        jit_compile: bool | None = None,
        steps_per_execution: int = 1,
        run_eagerly: bool = False,
    ) -> None:
        """Configures the model for `fit` and creates the variables of both optimizers.

        Args:
            generator_optimizer: the generator's optimizer.
            discriminator_optimizer: the discriminators' optimizer, a separate object.
            adversarial: False leaves the discriminators out and trains the generator on the
                spectral losses only.
            jit_compile: whether to compile the step with XLA. By default only on the JAX backend,
                which is slow without it.
            steps_per_execution: training steps per call of the compiled function.
            run_eagerly: whether to run the step without compiling it.

        Raises:
            ValueError: a combination that Keras computes wrongly or crashes on: the same optimizer
                for both models; with several replicas, steps_per_execution over 1, jit_compile, or
                float16 with its loss scaling (use mixed_bfloat16). Also if `adversarial` is False
                and no spectral loss has a weight.
        """
        if generator_optimizer is discriminator_optimizer:
            raise ValueError(
                "compile got the same optimizer for both models; give each its own optimizer"
            )
        if not adversarial and not self.config.loss.active_terms(adversarial=False):
            raise ValueError(
                "compile(adversarial=False) leaves no loss; give loss.weights.stft, "
                "compressed_stft or mel a weight"
            )
        if jit_compile is None:
            jit_compile = keras.backend.backend() == "jax"
        float16 = self.dtype_policy.name == "mixed_float16"
        with backends.scope_of(self):
            self._refuse_on_replicas(steps_per_execution, jit_compile, float16)
            pair = OptimizerPair(
                *(
                    keras.optimizers.LossScaleOptimizer(optimizer)
                    if float16 and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
                    else optimizer
                    for optimizer in (generator_optimizer, discriminator_optimizer)
                )
            )
            for optimizer, model in (
                (pair.generator, self.generator),
                (pair.discriminator, self.discriminator),
            ):
                # Building again would reset the loss scale.
                if not optimizer.built:
                    optimizer.build(model.trainable_variables)
            self.adversarial = adversarial
        super().compile(
            optimizer=pair,
            auto_scale_loss=False,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
            run_eagerly=run_eagerly,
        )

    def _refuse_on_replicas(self, steps_per_execution: int, jit: bool, float16: bool) -> None:
        if backends.replica_count() == 1:
            return
        unsupported = {
            "steps_per_execution over 1": steps_per_execution > 1,
            "jit_compile=True": jit,
            "mixed_float16 (use mixed_bfloat16)": float16,
        }
        for option, is_set in unsupported.items():
            if is_set:
                raise ValueError(f"{option} does not work on several replicas; leave it out")

    @property
    def generator_optimizer(self) -> keras.optimizers.Optimizer:
        return self.optimizer.generator

    @property
    def discriminator_optimizer(self) -> keras.optimizers.Optimizer:
        return self.optimizer.discriminator

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        # Only the metrics of this phase: pre-training has no adversarial terms.
        return [self._means[name] for name in self._metric_names()]

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit`; on several replicas, checks that batches divide equally.

        Args:
            x: batches of (log-mel, waveform), such as `tf_melgan.segments` yields.
            *args: passed to `keras.Model.fit`.
            **kwargs: passed to `keras.Model.fit`.

        Returns:
            The Keras history.

        Raises:
            ValueError: on several replicas, if batches may be incomplete or do not divide equally.
        """
        with backends.scope_of(self):
            backends.check_batches(x)
        return super().fit(x, *args, **kwargs)

    def discriminate(self, real: Any, fake: Any) -> tuple[Outputs, Outputs]:
        """Runs the discriminators on both waveforms in one pass, as one batch.

        Args:
            real: recorded waveforms (batch, samples, 1).
            fake: generated waveforms (batch, samples, 1).

        Returns:
            The discriminators' outputs for `real` and for `fake`.
        """
        pairs = [
            [ops.split(output, 2) for output in scale]
            for scale in self.discriminator(ops.concatenate((real, fake)), training=True)
        ]
        real_outputs, fake_outputs = (
            [[pair[half] for pair in scale] for scale in pairs] for half in (0, 1)
        )
        return real_outputs, fake_outputs

    def discriminator_losses(self, real: Outputs, fake: Outputs) -> dict[str, Any]:
        """The discriminators' loss, under "discriminator", and their mean scores.

        Args:
            real: the discriminators' outputs for recorded waveforms.
            fake: the discriminators' outputs for generated waveforms.

        Returns:
            Scalars by name: "discriminator", and "score_real_1", "score_fake_1", … for each scale.
        """
        loss_type = self.config.loss.adversarial
        terms = {"discriminator": discriminator_loss(loss_type, real, fake)}
        for name, outputs in (("real", real), ("fake", fake)):
            for scale, score in enumerate(mean_scores(outputs), 1):
                terms[f"score_{name}_{scale}"] = score
        return terms

    def generator_losses(self, real: Any, fake: Any, real_outputs: Any) -> dict[str, Any]:
        """The generator's loss, under "generator", and its terms.

        Args:
            real: recorded waveforms (batch, samples, 1).
            fake: generated waveforms (batch, samples, 1).
            real_outputs: the discriminators' outputs for `real`; None in pre-training.

        Returns:
            Scalars by name: "generator", the weighted sum, and each unweighted term.
        """
        weights = self.config.loss.active_terms(self.adversarial)
        terms: dict[str, Any] = {}
        fake_outputs: Any = None
        if "adversarial" in weights or "feature_matching" in weights:
            fake_outputs = self.discriminator(fake, training=True)
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

    def update_average(self) -> None:
        """Updates the averaged generator: average += (1 − ema_decay) · (generator − average)."""
        if self.average is None:
            return
        share = 1 - self.config.training.ema_decay
        for mean, variable in zip(self.average.variables, self.generator.variables, strict=True):
            mean.assign(mean + share * (variable.value - mean.value))

    def update_metrics(self, values: dict[str, Any]) -> None:
        """Adds this step's losses and scores to the running means that `fit` reports."""
        for name, value in values.items():
            self._means[name].update_state(value)

    def _metric_names(self) -> list[str]:
        names = ["generator", *self.config.loss.active_terms(self.adversarial)]
        if self.adversarial:
            scales = range(1, self.config.discriminator.outputs + 1)
            names += ["discriminator"]
            names += [f"score_{name}_{scale}" for name in ("real", "fake") for scale in scales]
        return names

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "MelGAN":
        return cls(**{**config, "config": Config.from_dict(config["config"])})

    def get_compile_config(self) -> dict[str, Any] | None:
        """Both optimizers, so that `keras.saving.load_model` restores them."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "adversarial": self.adversarial,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        pair = keras.saving.deserialize_keras_object(config["optimizer"])
        self.compile(pair.generator, pair.discriminator, adversarial=config["adversarial"])
