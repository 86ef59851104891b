"""The examples in the docstrings of the public API run."""

import doctest

import pytest

import tf_csvae

NAMES = ("CSVAE", "VAE", "CondVAE", "CondVAEInfo", "Classifier", "load_data")


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_docstring_runs(name, capsys):
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(getattr(tf_csvae, name), name, globs={})
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example)
    assert result.attempted > 1, f"{name} has no example"
    assert not result.failed, capsys.readouterr().out
