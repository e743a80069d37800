"""`Config`: all settings that determine the result of a training run."""

from tf_melgan.config.config import Config
from tf_melgan.config.sections import OptimizerConfig, TrainingConfig

__all__ = ["Config", "OptimizerConfig", "TrainingConfig"]
