import keras
import numpy as np
import pytest

from tf_csvae import configs, models
from tf_csvae.data.dataset import Info
from tf_csvae.labels import Label
from tf_csvae.settings import MODELS as CONFIGS

LABELS = (Label("Smiling", 0.5), Label("Male", 0.3))
COUNTS = {"train": 10, "validation": 2, "test": 2}
IMAGES = Info("faces", (16, 16, 3), (0.0, 1.0), LABELS, COUNTS, crop=(0.125, 0.125, 0.875, 0.875))
SCALING = {"offset": np.array([1.0, 2.0, 3.0]), "scale": np.array([2.0, 4.0, 8.0])}
VECTORS = Info("table", (3,), None, LABELS, COUNTS, **SCALING, feature_names=("a", "b", "c"))


def make(system, info, **options):
    """A model that was not trained; its batch normalisation is not the identity."""
    keras.utils.set_random_seed(0)
    if system == "classifier":
        config = configs.ClassifierConfig(depth=10, width=4)
        model = models.Classifier(info.shape, info.labels, config, features=info.features)
    else:
        config = CONFIGS[system](z_dim=3, hidden=(8, 8), filters=(4, 8), **options)
        kind = models.SYSTEMS[system]
        model = kind(info.shape, info.labels, config, bounded=info.is_image, features=info.features)
    random = np.random.default_rng(0)
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A function (system, info) -> (model, info, folder of its export), each exported once."""
    from export import signatures, versions, warmup

    folder, made = tmp_path_factory.mktemp("models"), {}

    def export(system, info):
        name = f"{system}_{info.name}"
        if name not in made:
            model = make(system, info)
            judge = make("classifier", info) if system == "csvae" else None
            served = signatures.Served(model, info, judge)
            beside = warmup.files(served, name)
            made[name] = model, served, versions.write(served, name, str(folder), 1, beside)
        return made[name]

    return export
