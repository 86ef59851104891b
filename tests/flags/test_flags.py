import subprocess
import sys

import pytest

import flags
from tf_csvae.options import preset, preset_names
from tf_csvae.settings import MODELS, Settings, config_classes, recorded, settings


def run(*arguments, cwd=None, trainer="csvae"):
    command = [sys.executable, "-m", f"trainers.{trainer}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_help_lists_the_groups_with_the_datasets_defaults_without_tensorflow():
    for dataset, batch_size in (("swiss_roll", 256), ("celeba", 64)):
        done = run("--help", f"--dataset={dataset}")
        assert done.returncode == 0
        flags = ("--data_dir", "--z_dim", "--beta4", "--[no]adversarial", "--epochs", "--run_dir")
        for flag in flags:
            assert flag in done.stdout
        batch = f"--batch_size: Examples per step, over all devices.\n    (default: '{batch_size}')"
        assert batch in done.stdout


def test_neither_help_nor_the_package_imports_tensorflow():
    modules = ("tf_csvae", "tf_csvae.data", "tf_csvae.training", "trainers.csvae")
    for statement in (f"import {module}" for module in modules):
        heavy = "'tensorflow' in sys.modules or 'keras' in sys.modules"
        code = f"import sys; {statement}; sys.exit({heavy})"
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0, statement


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--epochs=0", "epochs"),
        ("--z_dim=-3", "z_dim"),
        ("--batch_size=many", "batch_size"),
        ("--hidden=12,wide", "hidden"),
        ("--likelihood=cauchy", "likelihood"),
        ("--epoch=3", "epoch"),
        ("--seed=-1", "seed"),
        ("--kl_warmup=nan", "kl_warmup"),
        ("--flagfile=nowhere/celeba.flags", "nowhere"),
        ("--flagfile=nowhere.flags", "nowhere.flags"),
        ("swiss_roll", "swiss_roll"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(argument, complaint, tmp_path):
    done = run(argument, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_presets_name_only_flags_that_a_trainer_has():
    known = {
        name: option
        for system in MODELS
        for kind in config_classes(system)
        for name, option in kind.options().items()
    }
    assert {"celeba", "swiss_roll"} <= set(preset_names())
    for name in preset_names():
        assert preset(name), name
        for flag, text in preset(name).items():
            assert flag in known, f"{name}: {flag}"
            known[flag].parse(text)


def test_only_the_presets_of_a_guide_have_weights_that_need_one():
    for name in preset_names():
        needing = {"consistency_weight", "perceptual_weight", "exchange_target"} & set(preset(name))
        assert bool(needing) == name.endswith("_guide"), name


def parsed(system, *arguments):
    found = flags.parse(["name", *arguments], config_classes(system), "", system)
    return Settings.of(system, found.values, found.given)


FACES = ("--dataset=celeba", "--data_dir=FOLDER")


@pytest.mark.parametrize("guide", [(), ("--guide=RUN",), ("--guide", "RUN"), ("-guide=RUN",)])
def test_a_guide_brings_the_presets_weights_for_it(guide):
    with_guide = parsed("csvae", *FACES, *guide).model
    assert (with_guide.consistency_weight, with_guide.perceptual_weight) == (200, 0.5)
    assert with_guide.exchange_target == 0.9
    without = parsed("csvae", *FACES, "--guide=none").model
    assert (without.consistency_weight, without.perceptual_weight) == (0, 0)
    assert without.exchange_target == 0
    assert parsed("vae", *FACES, *guide).model.perceptual_weight == 0.5
    own = parsed("csvae", *FACES, *guide, "--consistency_weight=3").model
    assert (own.consistency_weight, own.perceptual_weight) == (3, 0.5)


@pytest.mark.parametrize(
    ("system", "options"),
    [
        ("csvae", {}),
        ("csvae", {"dataset": "celeba", "data_dir": "FOLDER", "guide": "RUN", "epochs": 3}),
        ("csvae", {"dataset": "drawn_faces", "adversarial": False, "hidden": (8, 8), "beta4": 2.5}),
        ("condvae_info", {"dataset": "celeba", "gan_weight": 7.0, "seed": 5}),
        ("condvae", {"dataset": "table", "data_path": "FILE", "label_columns": ("a", "b")}),
        ("vae", {"dataset": "tfds:some", "augment": ()}),
        ("classifier", {"dataset": "folder", "epsilon": 1.0, "run_dir": "HERE"}),
    ],
)
def test_a_command_has_the_settings_of_the_same_call_in_python(system, options):
    known = {k: v for kind in config_classes(system) for k, v in kind.options().items()}
    lines = [known[name].line(value) for name, value in options.items()]
    assert parsed(system, *lines) == settings(system, **options)
    # flags.txt repeats them, but for where to write.
    again = recorded(settings(system, **options).flagfile(), "flags.txt")
    assert again.flagfile() == settings(system, **options).flagfile()
    assert again.model == settings(system, **options).model


@pytest.mark.parametrize("trainer", ["csvae", "vae", "condvae", "condvae_info"])
def test_a_shipped_preset_is_found_from_anywhere(tmp_path, trainer):
    done = run("--flagfile=flags/celeba.flags", "--help", cwd=tmp_path, trainer=trainer)
    assert done.returncode == 0
    assert "(default: '64')" in done.stdout


def test_a_trainers_own_preset_goes_over_the_general_one():
    done = run("--help", "--dataset=celeba", trainer="condvae_info")
    assert "--gan_weight" in done.stdout
    assert "(default: '100.0')" in done.stdout
    assert "(default: '64')" in done.stdout  # the batch size, of flags/celeba.flags
    done = run("--help", "--dataset=celeba", trainer="classifier")
    assert "(default: '28')" in done.stdout  # epochs


def test_a_preset_may_leave_a_list_empty():
    done = run("--help", "--dataset=drawn_faces")
    assert "(brightness and contrast); empty: none.\n    (default: '')" in done.stdout


def test_a_command_line_of_words_and_flags():
    command = [sys.executable, "-m", "export.client", "--port=9", "paint"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: The first word must be one of sample")
