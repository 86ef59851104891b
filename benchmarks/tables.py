"""Tables: samples beside those of TVAE and CTGAN, and edits beside a known law.

    pip install -e .[peers]
    python -m benchmarks.tables
    python -m benchmarks.tables --data_path=FILE.csv --label=NAME

The tables are those of ``made_tables``, or a file, a fifth of which is kept for tests. Ours is
trained as ``tf_csvae.fit(frame, labels=[label])`` does by default, with guide, judge and measuring.
Each peer (the package ctgan, with its defaults) gets as many epochs as fit into the same seconds.
Then the same number of samples of each system is measured:

* shapes, pairs: column shapes and column pair trends of SDMetrics' quality report, against test
  rows; 1 is best.
* auc: of boosted trees that learn the label from the samples, on test rows. The row "real" learns
  from the training rows.
* judged right: of samples with a label that was asked for, the share in which boosted trees that
  learned from the training rows see it, mean over the values; in the row "real" of test rows. TVAE
  cannot be asked, so those of its samples count that have the value.
* impossible: cells of samples that are outside the range of the training rows, in none of their
  categories, or not whole where all of these are; zeros: the largest difference in the share of
  zeros of a column.

Of edits, the columns that the label moves are measured: the mean change and that of the law, for
each value that was asked for, and the share of rows that move against the law.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.made_tables import TABLES, Made
from flags import command, parse
from tf_csvae.configs import SEED
from tf_csvae.errors import InputError
from tf_csvae.options import Config, option

if TYPE_CHECKING:
    from tf_csvae.training import FitResult

# Epochs of a peer that are timed.
TIMED = 20

# Returns so many samples, all with one value of the label unless it is None.
Sampler = Callable[[int, str | None], pd.DataFrame]


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig(Config):
    """Benchmark of tables: which, how many rows, and with which peers."""

    tables: tuple[str, ...] = option(tuple(TABLES), "Made tables.", choices=tuple(TABLES))
    data_path: str | None = option(None, "A CSV file in place of made tables.")
    label: str | None = option(None, "Its label.")
    rows: int = option(8000, "Training rows of a made table.", low=100)
    samples: int = option(10_000, "Samples, and rows that are edited.", low=100)
    peers: tuple[str, ...] = option(("TVAE", "CTGAN"), "Peers.", choices=("TVAE", "CTGAN"))
    seed: int = option(0, "Seed of tables, trainings and samples.", low=0, high=SEED)


def ours(train: pd.DataFrame, label: str, seed: int, folder: str) -> tuple[FitResult, Sampler]:
    """Trains a CSVAE with its defaults; returns the result of ``fit`` and a sampler."""
    import tf_csvae

    result = tf_csvae.fit(
        train, labels=[label], run_dir=os.path.join(folder, "run"), tensorboard=False, seed=seed
    )

    def sample(n: int, value: str | None) -> pd.DataFrame:
        return result.sample(n, seed=seed + 1, **({} if value is None else {label: value}))

    return result, sample


def peer(name: str, train: pd.DataFrame, label: str, seconds: float) -> tuple[Sampler, dict[str, float]]:
    """Trains a peer for about so many seconds; returns a sampler, and its epochs and seconds."""
    import ctgan

    texts = [each for each in train if not pd.api.types.is_numeric_dtype(train[each])]

    def trained(epochs: int):
        start, model = time.monotonic(), getattr(ctgan, name)(epochs=epochs)
        model.fit(train, texts)
        return model, time.monotonic() - start

    trained(1)  # what happens once only
    epochs = max(1, int(seconds / (trained(TIMED)[1] / TIMED)))
    model, spent = trained(epochs)

    def sample(n: int, value: str | None) -> pd.DataFrame:
        if value is None:
            return model.sample(n)
        if name == "CTGAN":
            return model.sample(n, label, value)
        found = pd.concat([model.sample(n) for _ in range(20)])
        return found[found[label] == value][:n]

    return sample, {"seconds": spent, "epochs": epochs}


def classifier(rows: pd.DataFrame, label: str, like: pd.DataFrame) -> Callable[[pd.DataFrame], np.ndarray]:
    """Returns a function: rows -> the probability of the label's last value, learned from rows."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    texts = [each for each in like if each != label and not pd.api.types.is_numeric_dtype(like[each])]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, texts), remainder="passthrough")
    model = make_pipeline(columns, HistGradientBoostingClassifier(random_state=0))
    last = sorted(like[label].unique())[-1]
    model.fit(rows[list(like)].drop(columns=label), rows[label] == last)
    if len(model.classes_) < 2:  # a peer may sample one value only
        return lambda other: np.zeros(len(other))
    return lambda other: model.predict_proba(other[list(like)].drop(columns=label))[:, 1]


def impossible(made: Mapping[str, pd.Series], train: pd.DataFrame, label: str) -> tuple[int, float]:
    """Returns the cells that cannot be, and the largest difference in a share of zeros."""
    cells, zeros = 0, 0.0
    for name in train.columns.drop(label):
        real, new = train[name], made[name]
        if pd.api.types.is_numeric_dtype(real):
            cells += int(((new < real.min()) | (new > real.max())).sum())
            cells += int((new % 1 != 0).sum()) if (real.dropna() % 1 == 0).all() else 0
            zeros = max(zeros, abs((new == 0).mean() - (real == 0).mean()))
        else:
            cells += int((~new.isin(real.unique())).sum())
    return cells, zeros


def scores(
    sample: Sampler, train: pd.DataFrame, test: pd.DataFrame, label: str, count: int
) -> dict[str, float]:
    """Measures the samples of a system."""
    from sklearn.metrics import roc_auc_score

    made, last = sample(count, None), sorted(train[label].unique())[-1]
    found = {"auc": roc_auc_score(test[label] == last, classifier(made, label, train)(test))}
    judge, right = classifier(train, label, train), []
    for value in train[label].unique():
        asked = sample(count // 5, value)
        right.append(((judge(asked) > 0.5) == (value == last)).mean() if len(asked) else 0.0)
    found["judged right"] = float(np.mean(right))
    cells, zeros = impossible(made, train, label)
    found |= {"impossible": cells, "zeros": zeros}
    if importlib.util.find_spec("sdmetrics"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its place is deprecated, but the new one asks for more
            from sdmetrics.reports.single_table import QualityReport

        kinds = {
            name: {"sdtype": "numerical" if pd.api.types.is_numeric_dtype(train[name]) else "categorical"}
            for name in train
        }
        report = QualityReport()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report.generate(test, made[list(train)], {"columns": kinds}, verbose=False)
        found["shapes"], found["pairs"] = report.get_properties()["Score"]
    return found


def edits(result: FitResult, made: Made, train: pd.DataFrame) -> pd.DataFrame:
    """Edits rows to the other value of the label, and compares with the law."""
    rows = []
    for value in ("yes", "no"):
        here = made.rows[made.label] != value
        before, law = made.rows[here], made.other[here]
        after = result.counterfactual(before, **{made.label: value})
        # A cell that the edit left as it was is none of its making.
        cells, _ = impossible(
            {name: after[name][after[name] != before[name]] for name in train}, train, made.label
        )
        for name in made.moved:
            moved, expected = (each[name] - before[name] for each in (after, law))
            direction = np.sign(expected.mean())
            rows.append(
                {
                    "asked for": f"{made.label}={value}",
                    "column": name,
                    "law": expected.mean(),
                    "edit": moved.mean(),
                    "against": (np.sign(moved) == -direction).mean(),
                    "against, law": (np.sign(expected) == -direction).mean(),
                    "still": (moved == 0).mean(),
                    "still, law": (expected == 0).mean(),
                    "zeros": (after[name] == 0).mean(),
                    "zeros, law": (law[name] == 0).mean(),
                    "impossible": cells,
                }
            )
    return pd.DataFrame(rows)


def benchmark(config: BenchmarkConfig) -> None:
    """Trains all systems on each table and prints the tables of the module's docstring."""
    with command.quietly():
        import tensorflow as tf

    absent = [name for name in ("ctgan", "sdmetrics") if importlib.util.find_spec(name) is None]
    if absent:
        print(f"{', '.join(absent)} not installed (pip install -e .[peers]), so only our half runs.")
    if bool(config.data_path) != bool(config.label):
        raise InputError("--data_path and --label belong together.")
    for name in [config.data_path] if config.data_path else config.tables:
        made = None
        if config.data_path:
            everything = pd.read_csv(name).dropna()
            test = everything.sample(frac=0.2, random_state=config.seed)
            train, label = everything.drop(test.index), config.label
        else:
            made = TABLES[name](config.rows, config.seed)
            train, label = made.rows, made.label
            test = TABLES[name](config.rows, config.seed + 1000).rows
        print(f"\n{name}: {len(train):,} training rows, {len(train.columns)} columns, label {label}")
        rows = {"real": scores(again(train, test, config.seed, label), train, test, label, len(train))}
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            result, sample = ours(train, label, config.seed, folder)
            seconds = time.monotonic() - start
            own = scores(sample, train, test, label, config.samples)
            rows["CSVAE"] = {**own, "seconds": seconds, "epochs": result.metrics["training"]["epochs"]}
            print(f"CSVAE: {seconds:.0f} s", flush=True)
            law = edits(result, TABLES[name](config.samples, config.seed + 2000), train) if made else None
        tf.keras.backend.clear_session()
        for other in config.peers if "ctgan" not in absent else ():
            sample, spent = peer(other, train, label, seconds)
            print(f"{other}: {spent['epochs']} epochs in {spent['seconds']:.0f} s", flush=True)
            rows[other] = {**scores(sample, train, test, label, config.samples), **spent}
        print(pd.DataFrame(rows).T.to_string(float_format="{:.3f}".format))
        if law is not None:
            print(law.to_string(index=False, float_format="{:.3f}".format), flush=True)


def again(train: pd.DataFrame, test: pd.DataFrame, seed: int, label: str) -> Sampler:
    """Returns a sampler of the training rows themselves, and of test rows with one value."""

    def sample(n: int, value: str | None) -> pd.DataFrame:
        rows = train if value is None else test[test[label] == value]
        return rows.sample(n, replace=True, random_state=seed)

    return sample


def main(argv: list[str] | None = None) -> None:
    """Runs the benchmark."""
    config = parse(argv or sys.argv, (BenchmarkConfig,), __doc__).config(BenchmarkConfig)
    command.run(lambda: benchmark(config), "The tables so far are printed.")


if __name__ == "__main__":
    main()
