"""All options of one training: the configs of its data, model, training and evaluation.

``settings("csvae", dataset="celeba", epochs=3)`` gives what the command
``python -m trainers.csvae --dataset=celeba --epochs=3`` runs.
"""

import dataclasses
import os
import re
from typing import Any, Self

from tf_csvae import configs
from tf_csvae.errors import InputError, check_known
from tf_csvae.options import Config, flag_values, preset, preset_names

# Of run directories; a run of another format is refused.
FORMAT = 2

MODELS = {
    "csvae": configs.CSVAEConfig,
    "condvae": configs.CondVAEConfig,
    "condvae_info": configs.CondVAEInfoConfig,
    "vae": configs.VAEConfig,
    "classifier": configs.ClassifierConfig,
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """All options of one training.

    Attributes:
        system: "csvae", "condvae", "condvae_info", "vae" or "classifier".
        data: which data.
        model: networks and objective.
        training: how long, how fast, where to.
        evaluation: how the result is measured.
        given: names of the options that were asked for, not taken from a default or a preset.
    """

    system: str
    data: configs.DataConfig
    model: configs.VAEConfig | configs.ClassifierConfig
    training: configs.TrainingConfig
    evaluation: configs.EvaluationConfig
    given: frozenset[str] = frozenset()

    @classmethod
    def of(cls, system: str, values: dict[str, Any], given: frozenset[str] = frozenset()) -> Self:
        """Returns the settings of {name: value}; a name in several configs goes to all of them.

        Raises:
            InputError: no such system or option, or a value that is not allowed.
        """
        kinds = config_classes(system)
        known = {name for kind in kinds for name in kind.options()}
        for name in values:
            check_known(name, known, f"option of {system}")
        parts = [
            kind(**{name: value for name, value in values.items() if name in kind.options()})
            for kind in kinds
        ]
        made = cls(system, *parts, given=given)
        made.check_guide()
        return made

    def check_guide(self) -> None:
        """Raises ``InputError`` where a weight needs a guide and there is none."""
        if getattr(self.training, "guide", None):
            return
        for name in ("consistency_weight", "perceptual_weight", "exchange_target"):
            if getattr(self.model, name, 0):
                raise InputError(
                    f"--{name}={getattr(self.model, name):g} needs a guide. Received: none. "
                    "Give --guide=RUN, a finished run of trainers.classifier."
                )

    @property
    def configs(self) -> tuple[Config, ...]:
        """The four configs."""
        return self.data, self.model, self.training, self.evaluation

    @property
    def run_dir(self) -> str:
        """Folder of the run."""
        name = re.sub("[:/]", "_", f"{self.system}_{self.data.dataset}")
        return self.training.run_dir or os.path.join("runs", name)

    def flagfile(self) -> str:
        """Returns the content of flags.txt: every option that bears on the result."""
        lines, told = [], set()
        for config in self.configs:
            new = [line for line in config.lines() if line not in told]
            if new:
                lines += [f"# {type(config).__doc__.splitlines()[0]}", *new]
            told |= set(new)
        return "\n".join([header(self.system), *lines]) + "\n"


def settings(system: str, **options: Any) -> Settings:
    """Returns the settings of a training, as its command would have them.

    Args:
        system: "csvae", "condvae", "condvae_info", "vae" or "classifier".
        **options: values over those of the data set's presets, by the names of the flags.

    Raises:
        InputError: no such system, data set or option, or a value that is not allowed.
    """
    dataset = options.get("dataset", configs.DataConfig().dataset)
    texts = preset(*default_presets(system, dataset, bool(options.get("guide"))))
    values = {}
    for kind in config_classes(system):
        known = kind.options()
        values |= {name: known[name].parse(text) for name, text in texts.items() if name in known}
    return Settings.of(system, {**values, **options}, frozenset(options))


def config_classes(system: str) -> tuple[type[Config], ...]:
    """Returns the classes of the four configs of a system; raises ``InputError``."""
    check_known(system, MODELS, "system")
    training = configs.GenerativeTrainingConfig
    if system == "classifier":
        training = configs.TrainingConfig
    return configs.DataConfig, MODELS[system], training, configs.EvaluationConfig


def default_presets(system: str, dataset: str, guide: bool = False) -> list[str]:
    """Returns the names of the presets that are the defaults for a data set.

    They are DATASET, then SYSTEM_DATASET and, if there is a guide, DATASET_guide, as far as they
    are there. Those of tfds:NAME are of all such data sets.
    """
    dataset = dataset.partition(":")[0]
    names = [dataset, f"{system}_{dataset}", *([f"{dataset}_guide"] if guide else [])]
    return [name for name in names if name in preset_names()]


def header(system: str) -> str:
    """Returns the first line of flags.txt, which tells trainer and format of a run."""
    return (
        f"# python -m trainers.{system} --flagfile=THIS_FILE --run_dir=ANOTHER_DIRECTORY "
        f"(format {FORMAT})"
    )


def recorded_lines(text: str, path: str) -> list[str]:
    """Returns the flags in the text of a flags.txt.

    Unlike other flagfiles it includes no further ones: somebody else may have written it. Flags
    that are not recorded, such as where to write, count only on the command line.

    Args:
        text: the content of the file.
        path: the file, for messages.

    Raises:
        InputError: a line that is no flag.
    """
    unrecorded = {
        each.name
        for kind in (*config_classes("csvae"), configs.ClassifierConfig)
        for each in kind.options().values()
        if not each.recorded
    }
    found = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        name = line.removeprefix("--").partition("=")[0]
        if not re.fullmatch("--[a-z][a-z0-9_]*(=.*)?", line) or name in ("flagfile", "undefok"):
            raise InputError(f"{path}, line {number}: expected --flag=value, as a run records it.")
        if name not in unrecorded:
            found.append(line)
    return found


def recorded(text: str, path: str) -> Settings:
    """Returns the settings that a run recorded in its flags.txt.

    Args:
        text: the content of the file.
        path: the file, for messages.

    Raises:
        InputError: a file that no training of this version wrote.
    """
    trainer = re.match(r"# python -m trainers\.(\w+) ", text)
    if not trainer or header(trainer[1]) != text.partition("\n")[0]:
        raise InputError(
            f"{path} was written by an earlier version of tf_csvae, which this one cannot read. "
            "Train the run again."
        )
    texts = flag_values(recorded_lines(text, path))
    values = {}
    for kind in config_classes(trainer[1]):
        known = kind.options()
        values |= {name: known[name].parse(text) for name, text in texts.items() if name in known}
    unknown = sorted(set(texts) - set(values))
    if unknown:
        raise InputError(
            f"{path} has the flag --{unknown[0]}, which this version of tf_csvae does not have. "
            "Train the run again."
        )
    return Settings.of(trainer[1], values)
