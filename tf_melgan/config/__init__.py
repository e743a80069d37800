"""Everything that decides what a run computes, as one `Config` of dataclasses."""

from tf_melgan.config.config import Config
from tf_melgan.config.sections import OptimizerConfig, TrainingConfig

__all__ = ["Config", "OptimizerConfig", "TrainingConfig"]
