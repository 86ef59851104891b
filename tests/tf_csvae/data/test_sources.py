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


@pytest.mark.parametrize("name", data.NAMES)
def test_a_preset_changes_only_options_that_its_data_set_has(name):
    config = DataConfig.preset(name)
    changed = {
        option.name
        for option in DataConfig.options().values()
        if getattr(config, option.name) != option.default
    }
    source = f"{name}:any" if name == "tfds" else name
    assert changed <= {*data.options(source), "dataset"}


def test_load_data_takes_the_preset_of_the_data_set():
    assert data.load_data("swiss_roll").batch_size == DataConfig.preset("swiss_roll").batch_size
    for name in ("folder", "table"):
        with pytest.raises(data.InputError, match=f"--dataset={name} needs --data"):
            data.load_data(name)


def test_celeba_without_attributes_has_those_of_the_report(celeba_dir):
    assert DataConfig().attributes is None
    with pytest.raises(data.InputError, match="Unknown attribute 'Bald'"):
        data.load_data("celeba", data_dir=str(celeba_dir))
    assert celeba.REPORT_ATTRIBUTES[0] == "Bald"
