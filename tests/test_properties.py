"""What holds for any input: properties of the parsers and of the estimators."""

import json
import tempfile
import types

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, ortho_group

from export import apply, examples
from tf_csvae import InputError, files, runs, texts
from tf_csvae.data import Info, load_data, table_files
from tf_csvae.data.celeba import read_attributes, read_partition
from tf_csvae.data.dataset import SPLITS
from tf_csvae.evaluation import metrics
from tf_csvae.labels import Label
from tf_csvae.networks import balance, distributions
from tf_csvae.options import flag_values
from tf_csvae.settings import header
from tf_csvae.training.progress import Progress

settings.register_profile("tests", max_examples=40, deadline=None, derandomize=True, database=None)
settings.load_profile("tests")

# What may stand between blanks in a text file.
words = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), blacklist_characters="\ufeff"),
    min_size=1,
).filter(lambda word: word.split() == [word])
blanks = st.sampled_from([" ", "\t", "   ", " \t"])
line_ends = st.sampled_from(["\n", "\r\n"])


def file_of(content):
    """Returns the path of a file that lives as long as the process."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    return file.name


# Parsers.


@given(st.data(), blanks, line_ends, st.booleans(), st.booleans())
def test_attributes_are_read_as_they_were_written(data, blank, end, mark, last_end):
    attributes = data.draw(st.lists(words, min_size=1, max_size=4, unique=True))
    names = data.draw(st.lists(words, max_size=5, unique=True))
    table = np.array(
        data.draw(
            st.lists(
                st.lists(st.booleans(), min_size=len(attributes), max_size=len(attributes)),
                min_size=len(names),
                max_size=len(names),
            )
        )
    ).reshape(len(names), len(attributes))
    rows = [
        blank.join([name, *("1" if on else "-1" for on in row)])
        for name, row in zip(names, table, strict=True)
    ]
    text = end.join([str(len(names)), blank.join(attributes), *rows]) + end * last_end
    path = file_of(b"\xef\xbb\xbf" * mark + text.encode())
    read_names, read_labels, read_table = read_attributes(path)
    assert (read_names, read_labels) == (names, attributes)
    np.testing.assert_array_equal(read_table, table)


@given(
    st.lists(st.tuples(words, st.integers(0, 2)), max_size=6, unique_by=lambda pair: pair[0]),
    blanks,
    line_ends,
)
def test_a_partition_is_read_as_it_was_written(pairs, blank, end):
    path = file_of(end.join(f"{name}{blank}{split}" for name, split in pairs).encode())
    assert [(name, split) for _, name, split in read_partition(path)] == [
        (name, SPLITS[i]) for name, i in pairs
    ]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused_in_one_line(content):
    path = file_of(content)
    for read in (read_attributes, read_partition, files.read_json, table_files.read):
        try:
            read(path)
        except InputError as error:
            told = str(error)
        else:
            told = ""
        assert len(told.splitlines()) <= 1


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["run", "judge", "probe", "a"]), plain, max_size=3))
def test_any_metrics_are_numbers_or_refused(value):
    with tempfile.TemporaryDirectory() as folder:
        run = runs.Run(folder)
        run.begin(header("csvae"))
        files.write_json(run.file(runs.METRICS), value)
        try:
            numbers = run.metrics()
        except InputError:
            return
    parts = {name: part for name, part in numbers.items() if name != "judge"}
    json.dumps(parts, allow_nan=False)
    assert all(isinstance(part, (int, float, list, dict)) for part in parts.values())


@given(
    st.dictionaries(
        st.sampled_from(["shape", "labels", "counts", "crop", "name", "scale"]), plain, min_size=1
    )
)
def test_any_description_of_data_is_one_or_refused(change):
    info = Info("made", (2,), None, (Label("a"),), {"train": 3, "validation": 1, "test": 1})
    try:
        read = Info.from_dict({**info.to_dict(), **change})
    except InputError:
        return
    assert Info.from_dict(json.loads(json.dumps(read.to_dict()))).to_dict() == read.to_dict()


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 100), st.data())
def test_progress_is_read_as_it_was_written_and_stays_in_its_epoch(epoch, steps, multiple, data):
    step, best = data.draw(st.integers(0, steps)), data.draw(st.none() | st.just((1, 0.5)))
    at = Progress(epoch, step, steps, 1.5, [[1.0, 2.0]], 0.25, best)
    assert Progress.from_dict(json.loads(json.dumps(at.__dict__))) == at
    other = data.draw(st.integers(1, 10**6)) * multiple
    scaled = at.scaled(other, multiple)
    assert 0 <= scaled.step <= other
    assert scaled.step % multiple == 0
    assert abs(scaled.step / other - step / steps) <= multiple / other


flag_names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True).filter(
    lambda name: not name.startswith("no")
)


@given(st.dictionaries(flag_names, st.booleans() | st.text("abc=,/ 0-9", max_size=8)))
def test_flags_are_read_as_they_are_written(given_flags):
    lines = [header("csvae")]
    for name, value in given_flags.items():
        switch = f"--{'' if value else 'no'}{name}"
        lines.append(switch if isinstance(value, bool) else f"--{name}={value}")
    expected = {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in given_flags.items()
    }
    assert flag_values(lines) == expected


# Tables.


@st.composite
def column_texts(draw):
    """Returns a column of 40 texts, from a seed: so it is shrunk quickly."""
    kind, gaps = draw(st.integers(0, 5)), draw(st.sampled_from([0, 0.1, 0.6]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mean, size = draw(st.sampled_from([0, 1, 1e9])), 10.0 ** draw(st.integers(-40, 40))
    values = (mean + random.normal(size=40)) * size
    if kind == 0:
        column = map(repr, values.tolist())
    elif kind == 1:
        column = [f"{value:.{draw(st.integers(0, 8))}e}" for value in values]
    elif kind == 2:
        column = [f"{value:.{draw(st.integers(0, 8))}f}" for value in mean + random.normal(size=40) * 1e4]
    elif kind == 3:
        column = map(str, random.integers(-draw(st.integers(1, 2**62)), 2**62, 40).tolist())
    elif kind == 4:
        column = random.choice(["red", "green", "=1+1", "5-10", "a,b", 'say "no"'], 40)
    else:
        column = [repr(values[0].item())] * 40
    return ["NA" if gap else str(text) for text, gap in zip(column, random.random(40) < gaps, strict=True)]


@settings(max_examples=20)
@given(st.lists(column_texts(), min_size=1, max_size=4))
def test_with_nothing_set_a_table_comes_back_as_it_is(columns):
    table = pd.DataFrame({f"c{i}": column for i, column in enumerate(columns)})
    table["when"] = [str(1_700_000_000 + 7 * i) for i in range(40)]
    table["split"] = ["train", "train", "validation", "test"] * 10
    path = file_of(table.to_csv(index=False).encode())
    try:
        info = load_data("table", data_path=path, label_columns=["when"]).info
    except InputError as error:
        told = str(error)
    else:
        told = ""
    if told:  # nothing but what can be read in two ways, or has no values
        assert "--decimal" in told or "no column to learn from" in told, told
        return
    served = types.SimpleNamespace(info=info, labels=info.labels, predicts_labels=True)
    found = examples.find(apply.ApplyConfig(input=path), served)
    made = examples.as_table(served, found, {}, found.labels, np.array([np.nan]))
    assert list(made) == [*table]
    x = np.float32(info.scaled(found.read(slice(None))))
    assert not np.isinf(x).any()
    through_float32 = info.to_columns(x)
    ends = {column.name: (column.knots[0], column.knots[-1]) for column in info.columns if column.knots}
    for name in made:
        for row, (text, value) in enumerate(zip(table[name], made[name], strict=True)):
            assert value == text or float(value) == float(text)
            if texts.missing(text) and name in through_float32:
                assert through_float32[name][row] == ""
            elif name in ends and not info.columns[0].date:
                low, high = ends[name]
                inside = min(max(float(value), low), high)
                bound = 2e-4 * (high - low) + 1e-9 * abs(inside) + 1e-300
                assert abs(float(through_float32[name][row]) - inside) <= bound


# Estimators.

coordinates = st.floats(-100, 100, width=32)


@st.composite
def two_samples(draw):
    """Two samples of equally many dimensions, without ties, from a seed."""
    d, seed = draw(st.integers(1, 4)), draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    n, m = draw(st.integers(12, 60)), draw(st.integers(12, 60))
    return random.normal(size=(n, d)), random.normal(draw(coordinates) / 50, 1, size=(m, d))


@given(two_samples(), st.integers(0, 2**32 - 1), st.integers(1, 10))
def test_the_divergence_depends_on_no_order_place_direction_or_unit(samples, seed, k):
    p, q = samples
    random = np.random.default_rng(seed)
    expected = metrics.knn_divergence(p, q, k)
    d = p.shape[1]
    rotation = ortho_group.rvs(d, random_state=random) if d > 1 else np.array([[-1.0]])
    shift, scale = random.normal(size=d) * 10, np.exp(random.normal() * 2)
    for changed in (
        (random.permutation(p), random.permutation(q)),
        (p + shift, q + shift),
        (p * scale, q * scale),
        (p @ rotation, q @ rotation),
    ):
        assert metrics.knn_divergence(*changed, k) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(20, 60))
def test_the_divergence_of_ties_and_duplicates_is_finite(seed, values, n):
    random = np.random.default_rng(seed)
    p, q = (random.integers(values, size=(n, 2)).astype(float) for _ in range(2))
    assert np.isfinite(metrics.knn_divergence(p, q, 3))


@settings(max_examples=15)
@given(st.integers(1, 100))
def test_the_interval_of_a_share_holds_the_truth_as_often_as_it_says(n):
    intervals = np.array([metrics.shares(a=(hits, n))["a_interval"] for hits in range(n + 1)])
    truths = np.linspace(0.005, 0.995, 199)
    held = (intervals[:, :1] <= truths) & (truths <= intervals[:, 1:])
    coverage = (binom.pmf(np.arange(n + 1)[:, None], n, truths) * held).sum(0)
    assert 0.94 <= coverage.mean() <= 0.97  # 95 %, in the mean over the truths
    assert coverage.min() >= 0.79  # Wilson's least, for one example


@given(
    arrays(np.float32, st.tuples(st.integers(2, 20), st.integers(1, 4)), elements=coordinates),
    st.integers(0, 99),
)
def test_the_mean_distance_depends_on_no_order_or_place_and_scales_with_the_unit(x, seed):
    expected = metrics.mean_pairwise_distance(x)
    assert expected >= 0
    shuffled = np.random.default_rng(seed).permutation(x)
    assert metrics.mean_pairwise_distance(shuffled) == pytest.approx(expected, abs=1e-5)
    moved, scaled = x.astype(float) + 7, 3 * x.astype(float)
    assert metrics.mean_pairwise_distance(moved) == pytest.approx(expected, abs=1e-4)
    assert metrics.mean_pairwise_distance(scaled) == pytest.approx(3 * expected, abs=1e-4)


@given(two_samples())
def test_the_frechet_distance_is_symmetric_not_negative_and_zero_to_itself(samples):
    a, b = metrics.Moments(), metrics.Moments()
    a.update(samples[0])
    b.update(samples[1])
    there, back = metrics.frechet_distance(a, b), metrics.frechet_distance(b, a)
    assert there >= 0
    assert there == pytest.approx(back, abs=1e-6)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


rows_of_six = st.tuples(st.integers(1, 5), st.just(6))


@given(arrays(np.float32, rows_of_six, elements=st.floats(-30, 30, width=32)))
def test_the_kl_term_is_never_negative_nor_infinite(parameters):
    q = distributions.diagonal_normal(tf.constant(parameters))
    kl = distributions.tfd.kl_divergence(q, distributions.standard_normal(3)).numpy()
    assert np.isfinite(kl).all()
    assert (kl >= -1e-5 * (1 + np.abs(parameters).max() ** 2)).all()
    standard = distributions.standard_normal(3)
    assert distributions.tfd.kl_divergence(standard, standard).numpy() == 0


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=5), st.floats(0, 1))
def test_class_weights_are_positive_and_of_mean_one(frequencies, much):
    weights = balance.class_weights(frequencies, much)
    p = np.array(frequencies)
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
    varying = (p > 0) & (p < 1)
    np.testing.assert_allclose(((1 - p) * weights[0] + p * weights[1])[varying], 1, rtol=1e-6)
