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
from tf_csvae.files import file_name
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
    """All options of one training of a system, which is a key of ``MODELS``.

    ``given`` are names of the options that were asked for, not taken from a default or a preset.
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
            InputError: no such system or option, a value that is not allowed, or a weight that
                needs a guide without one.
        """
        kinds = config_classes(system)
        known = {name for kind in kinds for name in kind.options()}
        for name in values:
            check_known(name, known, f"option of {system}")
        if "epochs" in given and "steps" not in given:
            values = {**values, "steps": 0}
        lengths = sorted(given & {"epochs", *configs.STEPS})
        if lengths and values.get("minutes") and "minutes" in given:
            raise InputError(f"--minutes chooses the steps. Leave out --{lengths[0]}, or --minutes.")
        own = [{name: values[name] for name in values if name in kind.options()} for kind in kinds]
        made = cls(system, *(kind(**of) for kind, of in zip(kinds, own, strict=True)), given=given)
        for name, weight in made.guided.items():
            if getattr(made.training, "guide", "auto") == "none":
                raise InputError(
                    f"--{name}={weight:g} needs a guide. Received: --guide=none. Leave --guide out, and one "
                    "is trained, or give a finished run of trainers.classifier."
                )
        return made

    @property
    def configs(self) -> tuple[Config, ...]:
        """The four configs."""
        return self.data, self.model, self.training, self.evaluation

    @property
    def guided(self) -> dict[str, float]:
        """The weights that need a guide, as far as they are not 0."""
        names = ("consistency_weight", "perceptual_weight", "exchange_target")
        values = {name: getattr(self.model, name, 0) for name in names}
        return {name: value for name, value in values.items() if value}

    @property
    def needs_guide(self) -> bool:
        """Whether a term of the objective needs a guide."""
        return bool(self.guided.keys() & {"consistency_weight", "perceptual_weight"})

    @property
    def sizes(self) -> dict[str, Any]:
        """The options that the memory depends on, as far as the configs have them."""
        values = {name: value for config in self.configs for name, value in config.to_dict().items()}
        names = ("batch_size", "image_size", "filters", "hidden", "width")
        return {name: values[name] for name in names if name in values}

    @property
    def run_dir(self) -> str:
        """Folder of the run."""
        name = re.sub("[:/]", "_", f"{self.system}_{self.data.dataset}")
        return self.training.run_dir or os.path.join("runs", file_name(name))

    def flagfile(self) -> str:
        """Returns the content of flags.txt: every option that bears on the result."""
        lines = [header(self.system)]
        for config in self.configs:
            new = [line for line in config.lines() if line not in lines]
            lines += [f"# {type(config).__doc__.splitlines()[0]}", *new] if new else []
        return "\n".join(lines) + "\n"


def settings(system: str, role: str = "", **options: Any) -> Settings:
    """Returns the settings of a training, as its command would have them.

    Args:
        system: "csvae", "condvae", "condvae_info", "vae" or "classifier".
        role: "guide" or "judge": of a classifier that a training makes, which may have a preset
            of its own, ROLE_DATASET.
        **options: values over those of the data set's presets, by the names of the flags.

    Raises:
        InputError: no such system, data set or option, or a value that is not allowed.
    """
    dataset = options.get("dataset", configs.DataConfig().dataset)
    texts = preset(*default_presets(system, dataset, options.get("guide", "auto"), role))
    return Settings.of(system, {**_values(system, texts), **options}, frozenset(options))


def _values(system: str, texts: dict[str, str]) -> dict[str, Any]:
    """Returns the values of {option: text}; options that the system does not have are left out."""
    return {name: value for kind in config_classes(system) for name, value in kind.values(texts).items()}


def config_classes(system: str) -> tuple[type[Config], ...]:
    """Returns the classes of the four configs of a system; raises ``InputError``."""
    check_known(system, MODELS, "system")
    training = configs.TrainingConfig if system == "classifier" else configs.GenerativeTrainingConfig
    return configs.DataConfig, MODELS[system], training, configs.EvaluationConfig


def default_presets(system: str, dataset: str, guide: str = "auto", role: str = "") -> list[str]:
    """Returns the names of the presets that are the defaults for a data set, as far as they exist.

    They are DATASET, SYSTEM_DATASET, ROLE_DATASET and, unless guide is "none", DATASET_guide; for
    tfds:NAME those of tfds.
    """
    dataset = dataset.partition(":")[0]
    names = [dataset, f"{system}_{dataset}", f"{role}_{dataset}"]
    names += [] if guide == "none" else [f"{dataset}_guide"]
    return [name for name in names if name in preset_names()]


def header(system: str) -> str:
    """Returns the first line of flags.txt, which tells trainer and format of a run."""
    return f"# python -m trainers.{system} --flagfile=THIS_FILE --run_dir=ANOTHER_DIRECTORY (format {FORMAT})"


def recorded_lines(text: str, path: str) -> list[str]:
    """Returns the flags in the text of the flags.txt at ``path``; raises ``InputError``.

    Unlike other flagfiles it includes no further ones: somebody else may have written it. Flags
    that are not recorded, such as where to write, count only on the command line.
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
    """Returns the settings that a run recorded in the text of its flags.txt at ``path``.

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
    values = _values(trainer[1], texts)
    unknown = sorted(set(texts) - set(values))
    if unknown:
        raise InputError(
            f"{path} has the flag --{unknown[0]}, which this version of tf_csvae does not have. "
            "Train the run again."
        )
    return Settings.of(trainer[1], values)
