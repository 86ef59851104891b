"""What holds for every data set."""

import pytest

from tf_csvae import data
from tf_csvae.configs import DataConfig
from tf_csvae.data import celeba

SOURCES = [f"{name}:any" if name == "tfds" else name for name in data.NAMES]


def test_every_option_has_its_default_in_the_config_and_belongs_to_a_source():
    read = {name: set(data.options(name)) for name in SOURCES}
    assert set.union(*read.values()) | {"dataset"} == set(DataConfig.options())
    for name, options in read.items():
        assert {"batch_size", "seed"} <= options, name


@pytest.mark.parametrize("name", SOURCES)
def test_a_preset_has_only_options_that_its_data_set_has(name):
    # They are checked before the files are looked for.
    if name == "swiss_roll":
        assert data.load_data(name).batch_size == 256
    elif name in ("folder", "table"):
        with pytest.raises(data.InputError, match=f"--dataset={name} needs --data"):
            data.load_data(name)


def test_celeba_without_attributes_has_those_of_the_report(celeba_dir):
    assert DataConfig().attributes is None
    with pytest.raises(data.InputError, match="Unknown attribute 'Bald'"):
        data.load_data("celeba", data_dir=str(celeba_dir))
    assert celeba.REPORT_ATTRIBUTES[0] == "Bald"
