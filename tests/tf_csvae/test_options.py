"""Options: the mechanism of configs, and what all configs and shipped presets promise."""

import dataclasses
import json
import math

import numpy as np
import pytest

from tf_csvae import configs, options
from tf_csvae.configs import (
    ClassifierConfig,
    CondVAEConfig,
    CSVAEConfig,
    DataConfig,
    EvaluationConfig,
    GenerativeTrainingConfig,
    NetworkConfig,
    TrainingConfig,
    VAEConfig,
)
from tf_csvae.errors import InputError
from tf_csvae.options import Config, as_config, flag_values, preset, preset_names
from tf_csvae.settings import MODELS, config_classes, default_presets, settings

CONFIGS = [
    kind
    for kind in vars(configs).values()
    if isinstance(kind, type) and issubclass(kind, Config) and kind is not Config
]
ALL = [(kind, option) for kind in CONFIGS for option in kind.options().values()]
EACH = pytest.mark.parametrize(
    ("kind", "option"), ALL, ids=[f"{kind.__name__}-{option.name}" for kind, option in ALL]
)


# Values.


@pytest.mark.parametrize(
    ("kind", "name", "given", "kept"),
    [
        (CSVAEConfig, "z_dim", 3.0, 3),
        (CSVAEConfig, "z_dim", np.int64(3), 3),
        (CSVAEConfig, "beta1", 2, 2.0),
        (CSVAEConfig, "beta1", np.float64(0.5), 0.5),
        (CSVAEConfig, "adversarial", 0, False),
        (CSVAEConfig, "adversarial", np.bool_(True), True),
        (CSVAEConfig, "exchange_target", 1, 1.0),
        (CSVAEConfig, "w_separation", -1, -1.0),
        (NetworkConfig, "hidden", [8, 4.0], (8, 4)),
        (NetworkConfig, "hidden", np.array([8, 4]), (8, 4)),
        (DataConfig, "split", [1, 0, 0], (1.0, 0.0, 0.0)),
        (DataConfig, "augment", [], ()),
        (DataConfig, "attributes", ["Male"], ("Male",)),
        (DataConfig, "attributes", None, None),
        (DataConfig, "data_dir", None, None),
        (DataConfig, "half", "first", "first"),
        (GenerativeTrainingConfig, "adversary_learning_rate", None, None),
        (GenerativeTrainingConfig, "kl_warmup", 1, 1.0),
    ],
)
def test_values_are_converted_to_the_type_of_the_option(kind, name, given, kept):
    value = getattr(kind(**{name: given}), name)
    assert value == kept
    assert type(value) is type(kept)
    if isinstance(kept, tuple):
        assert list(map(type, value)) == list(map(type, kept))


@pytest.mark.parametrize(
    ("kind", "name", "given", "wanted"),
    [
        (CSVAEConfig, "z_dim", 0, "z_dim must be a whole number of at least 1"),
        (CSVAEConfig, "z_dim", 2.5, "a whole number"),
        (CSVAEConfig, "z_dim", "3", "a whole number"),
        (CSVAEConfig, "z_dim", None, "a whole number"),
        (CSVAEConfig, "z_dim", math.inf, "a whole number"),
        (CSVAEConfig, "z_dim", [3], "a whole number"),
        (CSVAEConfig, "beta1", math.nan, "a finite number of at least 0"),
        (CSVAEConfig, "beta1", math.inf, "a finite number"),
        (CSVAEConfig, "beta1", -1e-9, "of at least 0"),
        (CSVAEConfig, "beta1", "1", "a finite number"),
        (CSVAEConfig, "exchange_target", 1.1, "a finite number from 0 to 1"),
        (CSVAEConfig, "adversarial", "true", "true or false"),
        (CSVAEConfig, "adversarial", 2, "true or false"),
        (CSVAEConfig, "adversarial", None, "true or false"),
        (CSVAEConfig, "w_prior", "none", "one of factorized, fixed, joint"),
        (ClassifierConfig, "depth", 50, "one of 10, 18, 34"),
        (NetworkConfig, "hidden", 8, "a list, each a whole number of at least 1"),
        (NetworkConfig, "hidden", "8", "a list"),
        (NetworkConfig, "hidden", None, "a list"),
        (NetworkConfig, "hidden", [8, 0], "of at least 1"),
        (DataConfig, "dataset", 3, "a text"),
        (DataConfig, "dataset", None, "a text"),
        (DataConfig, "half", "third", "one of first, second"),
        (DataConfig, "augment", "flip", "a list, each a text"),
        (DataConfig, "ignore", ("a", "b, c"), "a list, each a text without a comma"),
        (DataConfig, "seed", 2**31, "from 0 to"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(kind, name, given, wanted):
    with pytest.raises(InputError) as raised:
        kind(**{name: given})
    assert str(raised.value).startswith(f"{name} must be ")
    assert wanted in str(raised.value)
    assert str(raised.value).endswith(f"Received: {given!r}.")


@pytest.mark.parametrize(
    ("kind", "values", "complaint"),
    [
        (NetworkConfig, {"hidden": []}, "hidden needs at least one layer"),
        (CondVAEConfig, {"filters": ()}, "filters needs at least one layer"),
        (CSVAEConfig, {"w_dim": 0}, "w_dim must be at least 1 for CSVAE"),
        (CSVAEConfig, {"w_prior": "joint", "absent_style": False}, "Received: w_prior=joint"),
    ],
)
def test_what_does_not_go_together_is_refused(kind, values, complaint):
    with pytest.raises(InputError, match=complaint):
        kind(**values)


def test_a_config_does_not_change():
    config = CSVAEConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.z_dim = 3
    assert config == CSVAEConfig()
    assert dataclasses.replace(config, z_dim=3.0).z_dim == 3
    with pytest.raises(InputError, match="z_dim must be"):
        dataclasses.replace(config, z_dim=0)


# Text.


def examples(option):
    """Values that an option allows."""
    one = {bool: [True, False], str: ["x", "/a b/c=d"], int: [1, 7], float: [0.1 + 0.2, 1e-9, 3.0]}
    values = list(option.choices or one[option.type])
    if option.choices is None and option.type in (int, float):
        bounds = [bound for bound in (option.low, option.high) if bound is not None]
        values = [max(value, option.low or value) for value in values]
        values = [min(value, option.high or value) for value in values] + bounds
        values = [option.type(value) for value in values]
    if option.many:
        values = [(), *((value,) for value in values), tuple(values)]
    return [*values, *([] if option.default is None else [option.default])]


@EACH
def test_every_option_is_read_as_it_is_written(kind, option):
    for value in examples(option):
        assert option.check(value) == value
        assert option.parse(option.text(value)) == value
        ((name, text),) = flag_values([option.line(value)]).items()
        assert name == option.name
        assert option.parse(text) == value
        assert type(option.parse(text)) is type(value)


@EACH
def test_every_option_is_described_and_has_a_valid_default(kind, option):
    assert option.help.endswith(".")
    assert option.default == option.check(option.default)
    assert option.default is not None or option.optional
    assert not (option.type is bool and option.name.startswith("no"))  # --noNAME is its false


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_a_config_is_made_again_from_its_lines_and_from_plain_values(kind):
    special = {NetworkConfig: {}, CSVAEConfig: {"w_dim": 3, "w_prior": "fixed", "beta4": 0}}
    changed = {
        name: examples(option)[-1 if option.default is None else -2]
        for name, option in kind.options().items()
    }
    changed |= {"hidden": (7,), "filters": (3, 5)} if issubclass(kind, NetworkConfig) else {}
    config = kind(**{**changed, **special.get(kind, {})})
    plain = config.to_dict()
    assert list(plain) == list(kind.options())
    assert kind(**json.loads(json.dumps(plain))) == config
    unrecorded = {name for name, option in kind.options().items() if not option.recorded}
    texts = flag_values(config.lines())
    assert set(texts) == set(kind.options()) - unrecorded
    again = kind.from_texts(texts, **{name: plain[name] for name in unrecorded})
    assert again == config


@pytest.mark.parametrize(
    ("kind", "name", "text", "value"),
    [
        (DataConfig, "augment", "", ()),
        (DataConfig, "augment", "flip, colour", ("flip", "colour")),
        (NetworkConfig, "hidden", "8,4", (8, 4)),
        (CSVAEConfig, "adversarial", "False", False),
        (CSVAEConfig, "beta1", "1e-3", 1e-3),
    ],
)
def test_text_is_parsed(kind, name, text, value):
    assert kind.options()[name].parse(text) == value


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (CSVAEConfig, "z_dim", "three"),
        (CSVAEConfig, "z_dim", "2.5"),
        (CSVAEConfig, "z_dim", ""),
        (CSVAEConfig, "beta1", "nan"),
        (CSVAEConfig, "beta1", "1,2"),
        (CSVAEConfig, "adversarial", "yes"),
        (CSVAEConfig, "w_prior", "FIXED"),
        (NetworkConfig, "hidden", "8,wide"),
        (NetworkConfig, "hidden", "8,,4"),
    ],
)
def test_text_of_another_type_is_refused_by_name(kind, name, text):
    with pytest.raises(InputError, match=f"^{name} must be .* Received: "):
        kind.options()[name].parse(text)


# Presets.


def test_presets_include_one_another():
    for name, kind in (("folder", CSVAEConfig), ("tfds", VAEConfig)):
        config, known = kind.preset(name), kind.options()
        included = {flag: text for flag, text in preset("images").items() if flag in known}
        assert len(included) >= 5
        for flag, text in included.items():
            assert getattr(config, flag) == known[flag].parse(text), flag
    assert CSVAEConfig.preset("folder").w_prior == "fixed" != CSVAEConfig().w_prior
    assert ClassifierConfig.preset("classifier_folder").width == 16 != ClassifierConfig().width


def test_later_presets_and_given_values_win():
    assert CSVAEConfig.preset("drawn_faces").beta3 == 1
    config = CSVAEConfig.preset("drawn_faces", "csvae_drawn_faces", z_dim=9)
    assert (config.beta3, config.z_dim, config.hidden) == (4, 9, (128,))
    assert CSVAEConfig.preset("swiss_roll_published").balanced is False
    # An option of another config is passed over.
    assert DataConfig.preset("celeba").batch_size == 64


@pytest.mark.parametrize("name", preset_names())
def test_a_shipped_preset_names_only_options_that_exist_and_values_that_are_allowed(name):
    names = {"guide": "classifier", "judge": "classifier", **dict(zip(MODELS, MODELS, strict=True))}
    systems = [system for start, system in names.items() if name.startswith(f"{start}_")]
    if not systems:
        systems = [system for system in MODELS if system != "classifier"]
    texts = preset(name)
    known = {}
    for system in systems:
        for kind in config_classes(system):
            known |= kind.options()
    assert set(texts) <= set(known)
    for flag, text in texts.items():
        known[flag].parse(text)
    # What needs a guide is in the presets that are taken with one.
    guided = {"consistency_weight", "perceptual_weight", "exchange_target"}
    assert bool(guided & set(texts)) == name.endswith("_guide")


@pytest.mark.parametrize("system", MODELS)
def test_the_presets_of_every_data_set_make_settings(system):
    for dataset in ("swiss_roll", "drawn_faces", "celeba", "folder", "table", "tfds:cats"):
        found = settings(system, dataset=dataset)
        assert found.data.dataset == dataset
        assert found.given == {"dataset"}
        texts = preset(*default_presets(system, dataset))
        for config in (found.model, found.training):
            for name, option in config.options().items():
                if name in texts:
                    assert getattr(config, name) == option.parse(texts[name]), name
    if system != "classifier":
        assert settings(system, dataset="celeba", guide="runs/guide").model.perceptual_weight == 0.5


# Names.


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: CSVAEConfig.preset("celebaa"), "Unknown preset 'celebaa'. Did you mean celeba"),
        (
            lambda: CSVAEConfig.preset(z_dims=3),
            "Unknown option of CSVAEConfig 'z_dims'. Did .* z_dim",
        ),
        (lambda: as_config(VAEConfig, {"betta1": 3}), "of VAEConfig 'betta1'. Did you mean beta1"),
        (
            lambda: settings("csvae", beta44=3),
            "Unknown option of csvae 'beta44'. Did you mean beta4",
        ),
        (lambda: settings("vae", beta4=3), "Unknown option of vae 'beta4'"),
        (lambda: settings("csvaee"), "Unknown system 'csvaee'. Did you mean csvae"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(make, complaint):
    with pytest.raises(InputError, match=complaint):
        make()


def test_a_config_of_another_system_is_refused():
    assert as_config(VAEConfig, None) == VAEConfig()
    assert as_config(VAEConfig, {"z_dim": 3}) == VAEConfig(z_dim=3)
    # One with more options, too: they would be dropped.
    for other in (ClassifierConfig(), CSVAEConfig(beta4=1)):
        with pytest.raises(InputError, match=f"must be a VAEConfig. Received: a {type(other).__name__}"):
            as_config(VAEConfig, other)


def test_an_option_is_the_same_in_all_configs_that_have_it():
    found = {}
    for _, option in ALL:
        assert found.setdefault(option.name, option) == option
    shared = set(DataConfig.options()) & set(TrainingConfig.options())
    assert "seed" in shared & set(EvaluationConfig.options())


def test_the_options_of_a_base_class_come_first():
    names = list(CSVAEConfig.options())
    assert names[: len(NetworkConfig.options())] == list(NetworkConfig.options())
    assert names[: len(CondVAEConfig.options())] == list(CondVAEConfig.options())
    assert options.preset_lines(f"{options.PRESETS}/tfds.flags") == options.preset_lines(
        f"{options.PRESETS}/images.flags"
    )
