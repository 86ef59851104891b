import pytest

from tests.fuzz import targets


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds_and_finds_of_fuzzing_are_read_or_refused(name):
    seeds = sorted((targets.SEEDS / name).iterdir())
    assert seeds
    for path in seeds:
        targets.TARGETS[name](path.read_bytes())
