"""What the methods of `keras.Model` do for a generator and discriminators with two optimizers."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import ops

from tf_melgan.errors import UserInputError, require
from tf_melgan.training import backends
from tf_melgan.training.inputs import mel_and_waveform, require_pairs
from tf_melgan.training.optimizers import OptimizerPair


class KerasMethods(backends.TrainStep):
    """Compiles, fits, evaluates, saves and exports; the base of `MelGAN`."""

    def compile(
        self,
        generator_optimizer: Any,
        discriminator_optimizer: Any,
        adversarial: bool = True,
        jit_compile: bool | None = None,
        steps_per_execution: int = 1,
        run_eagerly: bool = False,
    ) -> None:
        """Configures the model for `fit` and creates the variables of both optimizers.

        `model.optimizer` holds both optimizers. Its `learning_rate` is the generator's, and setting
        it, as `keras.callbacks.LearningRateScheduler` and `ReduceLROnPlateau` do, scales both in
        proportion.

        Args:
            generator_optimizer: the generator's optimizer, or its name, such as "adam".
            discriminator_optimizer: the discriminators' optimizer, a separate object, or its name.
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
        if not adversarial and not self.config.loss.active_terms(adversarial=False):
            raise ValueError(
                "compile(adversarial=False) leaves no loss; give loss.weights.stft, "
                "compressed_stft or mel a weight"
            )
        # What a saved model is compiled with again, on whichever backend.
        self._execution = {
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
            "run_eagerly": run_eagerly,
        }
        if jit_compile is None:
            jit_compile = keras.backend.backend() == "jax" and not run_eagerly
        float16 = self.dtype_policy.name == "mixed_float16"
        with backends.scope_of(self):
            _refuse_on_replicas(steps_per_execution, jit_compile, float16)
            pair = OptimizerPair.of(generator_optimizer, discriminator_optimizer, float16)
            pair.build_for(self.generator, self.discriminator)
            self.adversarial = adversarial
        # The first call builds layers without weights. Keras would make it on the first batch,
        # before that is checked.
        for layer in self._flatten_layers():
            layer.built = True
        super().compile(
            optimizer=pair,
            auto_scale_loss=False,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
            run_eagerly=run_eagerly,
        )

    @property
    def generator_optimizer(self) -> keras.optimizers.Optimizer:
        return self.optimizer.generator

    @property
    def discriminator_optimizer(self) -> keras.optimizers.Optimizer:
        return self.optimizer.discriminator

    def get_compile_config(self) -> dict[str, Any] | None:
        """Both optimizers, so that `keras.saving.load_model` restores them."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "adversarial": self.adversarial,
            **self._execution,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        pair = keras.saving.deserialize_keras_object(config["optimizer"])
        settings = {key: value for key, value in config.items() if key != "optimizer"}
        self.compile(pair.generator, pair.discriminator, **settings)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit` on batches of (log-mel, waveform).

        `loss` in its logs is the generator's loss, and `val_loss` that of `validation_data`.

        Args:
            *args: those of `keras.Model.fit`; `x` may be what `tf_melgan.segments` yields.
            **kwargs: those of `keras.Model.fit`, but for the weights of classes and samples.

        Returns:
            The Keras history.

        Raises:
            ValueError: a batch is not as `tf_melgan.training.inputs.mel_and_waveform` says; or, on
                several replicas, batches may be incomplete or do not divide equally.
        """
        self._check(super().fit, args, kwargs)
        return super().fit(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.evaluate`: the losses of `fit`, without an update.

        Args:
            *args: those of `keras.Model.evaluate`.
            **kwargs: those of `keras.Model.evaluate`.

        Returns:
            A list in the order of `metrics_names`, or with `return_dict` a dict: "loss" and
            "generator", the generator's loss; each of its terms; and with discriminators their loss
            and mean scores.

        Raises:
            ValueError: as in `fit`.
        """
        self._check(super().evaluate, args, kwargs)
        return super().evaluate(*args, **kwargs)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.train_on_batch`, but for the weights of classes and samples."""
        self._check(super().train_on_batch, args, kwargs)
        return super().train_on_batch(*args, **kwargs)

    def _check(self, method: Callable, args: tuple, kwargs: dict[str, Any]) -> None:
        given = inspect.signature(method).bind(*args, **kwargs).arguments
        require(
            given.get("class_weight") is None,
            "the waveforms have no classes; leave class_weight out",
        )
        validation = given.get("validation_data")
        require_pairs(given.get("x"), given.get("y"))
        if isinstance(validation, tuple | list) and len(validation) > 1:
            require_pairs(*validation[:2])
        with backends.scope_of(self):
            for data in (given.get("x"), validation):
                backends.check_batches(data, given.get("batch_size"))

    def batch(self, data: Any) -> tuple[Any, Any]:
        """The log-mel (batch, frames, n_mels) and waveform (batch, frames · hop, 1) of a batch."""
        return mel_and_waveform(data, self.config.mel, self.variable_dtype)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        # Only the metrics of this phase: pre-training has no adversarial terms.
        return [self._means[name] for name in self._metric_names()]

    def update_metrics(self, values: dict[str, Any], mel: Any) -> None:
        """Adds a batch's losses and scores to the running means that `fit` reports.

        Args:
            values: scalars by name. "generator" is reported as "loss" too, which is the name that
                Keras's callbacks know.
            mel: the batch's log-mel; the means are weighted by its size.
        """
        size = ops.shape(mel)[0]
        if "generator" in values:
            values = {"loss": values["generator"], **values}
        for name, value in values.items():
            self._means[name].update_state(value, size)

    def save(self, filepath: str | Path, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.save`: writes a `.keras` file, from which training goes on.

        Args:
            filepath: the `.keras` file to write.
            *args: those of `keras.Model.save`.
            **kwargs: those of `keras.Model.save`.

        Raises:
            UserInputError: it is an HDF5 file, which cannot hold two models and two optimizers.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise UserInputError(
                f"{filepath}: HDF5 does not hold a whole MelGAN; save a .keras file, or weights "
                "alone with save_weights"
            )
        super().save(filepath, *args, **kwargs)

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Exports the generator to vocode with as a SavedModel, which `Vocoder.load` opens.

        This is `tf_melgan.export.export_saved_model`. It needs Keras on TensorFlow.

        Args:
            filepath: the folder to write; an exported voice in its place is replaced.
            format: "tf_saved_model".
            verbose: ignored; nothing is printed.
            **kwargs: none; a voice has fixed signatures.

        Raises:
            UserInputError: another format, any of Keras's options, Keras runs on JAX, or the folder
                holds something else.
        """
        require(
            format == "tf_saved_model",
            f"export to {format}: MelGAN exports a SavedModel; for a .tflite file use "
            "tf_melgan.export.export_tflite",
        )
        for name in kwargs:
            raise UserInputError(f"{name}: an exported voice has fixed signatures; leave it out")
        require(
            keras.backend.backend() == "tensorflow",
            "export needs Keras on TensorFlow; write a .keras file with save_generator, and run "
            "tf-melgan export on it with KERAS_BACKEND=tensorflow",
        )
        from tf_melgan.export.saved_model import export_saved_model

        export_saved_model(self.inference_generator, self.config.mel, filepath)


def _refuse_on_replicas(steps_per_execution: int, jit: bool, float16: bool) -> None:
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
