"""Every option of tf_csvae and its default, in one place.

The constructors, the flags of the commands, ``--help`` and flags.txt come from these classes.
``CSVAEConfig.preset("celeba")`` is the config that a preset in ``flags/`` describes. All configs
of one training together are its ``settings.Settings``.
"""

from tf_csvae.configs.data import SEED, BadExamplesConfig, DataConfig
from tf_csvae.configs.models import (
    ClassifierConfig,
    CondVAEConfig,
    CondVAEInfoConfig,
    CSVAEConfig,
    NetworkConfig,
    VAEConfig,
)
from tf_csvae.configs.training import STEPS, EvaluationConfig, GenerativeTrainingConfig, TrainingConfig

__all__ = [
    "SEED",
    "STEPS",
    "BadExamplesConfig",
    "CSVAEConfig",
    "ClassifierConfig",
    "CondVAEConfig",
    "CondVAEInfoConfig",
    "DataConfig",
    "EvaluationConfig",
    "GenerativeTrainingConfig",
    "NetworkConfig",
    "TrainingConfig",
    "VAEConfig",
]
