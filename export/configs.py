"""Options that several commands of this package have."""

import dataclasses
import os

from tf_csvae.configs import SEED
from tf_csvae.options import Config, option

# Points of an interpolation and along each side of a traversal: graphs have a fixed size.
STEPS, TRAVERSAL = 8, 7

_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".parq")


@dataclasses.dataclass(frozen=True)
class RunConfig(Config):
    """The run that is exported, applied or timed."""

    run_dir: str | None = option(None, "The finished run of the model.", recorded=False)
    judge: str | None = option(
        None,
        "A finished run of trainers.classifier that predicts the labels a client leaves out.",
        recorded=False,
    )


@dataclasses.dataclass(frozen=True)
class SteeringConfig(Config):
    """What is asked of a model, and where the answers go."""

    set: tuple[str, ...] = option(
        (),
        "Labels and their values, in their own words and units, as in "
        "--set=Smiling=1,species=virginica,age=40. sample: other binary labels are 0; other "
        "categorical and real labels are drawn as the training data have them.",
        recorded=False,
    )
    labels: str | None = option(
        None,
        "Labels that the examples have: values for all examples, as in --labels=Male=1,Smiling=0, "
        "or, of export.apply, a CSV file with a row per image. The other labels are predicted.",
    )
    count: int = option(8, "Samples to make.", low=1)
    out: str = option("answers", "Folder for the answers.")
    overwrite: bool = option(
        False, "Replace files of the same names in --out; files of the input are never replaced."
    )
    batch: int = option(32, "Most examples per request; a server has a limit too.", low=1)
    seed: int = option(0, "Seed of the samples.", low=0, high=SEED)

    @property
    def known(self) -> list[str]:
        """The values of labels that all examples have."""
        return self.labels.split(",") if self.labels and not self.labels_are_a_file else []

    @property
    def labels_are_a_file(self) -> bool:
        """Whether ``labels`` names a file, whose path may hold "=", in place of values."""
        text = self.labels or ""
        looks_so = text.lower().endswith(_TABLES) or os.sep in text.partition("=")[0]
        return bool(text) and (looks_so or "=" not in text or os.path.isfile(text))
