"""The rules of the house, read off the source: layout, layers, lengths, annotations, start-up."""

import ast
import importlib
import inspect
import json
import pathlib
import pkgutil
import subprocess
import sys

import pytest

import tf_csvae
from trainers.console import COMMANDS

ROOT = pathlib.Path(tf_csvae.__file__).parent.parent
PACKAGES = ("tf_csvae", "flags", "trainers", "export")


def sources(*packages):
    """Returns {path from the root: text} of the modules of some packages."""
    paths = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(paths) > 10
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def test_flags_stop_at_the_door():
    files = sources("tf_csvae", "trainers", "export")
    assert [path for path, text in files.items() if "FLAGS" in text] == []


def test_no_module_is_longer_than_400_lines():
    lengths = {path: len(text.splitlines()) for path, text in sources("tf_csvae").items()}
    assert {path: lines for path, lines in lengths.items() if lines > 400} == {}


def test_a_system_is_shorter_than_200_lines():
    for system in ("csvae", "condvae", "vae"):
        lines = (ROOT / "tf_csvae" / "models" / f"{system}.py").read_text().splitlines()
        assert len(lines) < 200, system


# Layers. A module may import what it is not forbidden here.

FORBIDDEN = {
    "tf_csvae": ("flags", "trainers", "export", "benchmarks", "tests"),
    "flags": ("trainers", "export", "tf_csvae.models", "tf_csvae.training"),
    "tf_csvae/networks": (
        "tf_csvae.data",
        "tf_csvae.objectives",
        "tf_csvae.models",
        "tf_csvae.training",
        "tf_csvae.evaluation",
        "tf_csvae.studies",
    ),
    "tf_csvae/objectives": (
        "tf_csvae.data",
        "tf_csvae.models",
        "tf_csvae.training",
        "tf_csvae.evaluation",
        "tf_csvae.studies",
    ),
    "tf_csvae/models": (
        "tf_csvae.data",
        "tf_csvae.training",
        "tf_csvae.evaluation",
        "tf_csvae.studies",
    ),
    "tf_csvae/data": (
        "tf_csvae.networks",
        "tf_csvae.objectives",
        "tf_csvae.models",
        "tf_csvae.training",
        "tf_csvae.evaluation",
        "tf_csvae.studies",
    ),
    "tf_csvae/evaluation": ("tf_csvae.training", "tf_csvae.studies.swiss_roll"),
    "tf_csvae/editing.py": ("tf_csvae.objectives", "tf_csvae.models", "tf_csvae.training"),
    "tf_csvae/labels.py": ("tf_csvae.data", "tf_csvae.networks", "tf_csvae.models"),
}

# (module, what it imports): the reason.
EXCEPTIONS = {
    ("tf_csvae/data/inspection.py", "tf_csvae.evaluation"): "draws its sheet as figures are drawn",
}


def imported(tree):
    """Yields the dotted names that a module imports, but not for annotations only."""
    typing_only = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def wrong_imports(path, text, forbidden):
    """Returns the imports of a module that are forbidden to it."""
    return sorted(
        {
            (path, module)
            for name in imported(ast.parse(text))
            for module in forbidden
            if f"{name}.".startswith(f"{module}.")
        }
    )


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_arrows_point_down(layer):
    files = {layer: (ROOT / layer).read_text()} if layer.endswith(".py") else None
    if files is None:
        paths = sorted((ROOT / layer).rglob("*.py"))
        files = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    wrong = [each for path, text in files.items() for each in wrong_imports(path, text, FORBIDDEN[layer])]
    assert [each for each in wrong if each not in EXCEPTIONS] == []


def test_the_exceptions_are_still_needed():
    for path, module in EXCEPTIONS:
        assert wrong_imports(path, (ROOT / path).read_text(), (module,)), path


# Docstrings and annotations.

# Methods whose signature is that of a base class of Keras, which has no annotations.
KERAS = {
    "call",
    "fit",
    "train_on_batch",
    "update_step",
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_end",
    "on_epoch_end",
}


def public_functions(tree):
    """Yields (qualified name, node) of the public functions and methods of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for name, method in public_functions(node):
                yield f"{node.name}.{name}", method


def shown(name):
    return not name.startswith("_") or name == "__init__"


def test_every_public_function_has_a_docstring_and_annotations():
    wrong = []
    for path, text in sources(*PACKAGES).items():
        tree = ast.parse(text)
        assert ast.get_docstring(tree), path
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for node in classes:
            if not node.name.startswith("_") and not ast.get_docstring(node):
                wrong.append(f"{path}: {node.name} has no docstring")
        for name, node in public_functions(tree):
            own = name.rpartition(".")[2]
            if not shown(own):
                continue
            if own != "__init__" and not ast.get_docstring(node):
                wrong.append(f"{path}: {name} has no docstring")
            if node.returns is None:
                wrong.append(f"{path}: {name} has no annotation of what it returns")
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            for each in arguments:
                if each.annotation is None and each.arg not in ("self", "cls") and own not in KERAS:
                    wrong.append(f"{path}: {name} has no annotation of {each.arg}")
    assert wrong == []


def test_private_methods_of_keras_are_replaced_in_one_module():
    wrong = []
    for found in pkgutil.walk_packages(tf_csvae.__path__, "tf_csvae."):
        module = importlib.import_module(found.name)
        for kind in vars(module).values():
            if not inspect.isclass(kind) or kind.__module__ != found.name:
                continue
            theirs = {
                name
                for base in kind.__mro__
                if base.__module__.split(".")[0] != "tf_csvae"
                for name in vars(base)
            }
            private = {name for name in vars(kind) if name.startswith("_") and name[1] != "_"}
            wrong += [f"{found.name}: {kind.__name__}.{name}" for name in sorted(private & theirs)]
    assert [line for line in wrong if not line.startswith("tf_csvae.models.keras_fixes: ")] == []


# Start-up.


def test_help_of_every_command_does_not_import_tensorflow():
    code = """
import contextlib, importlib, io, json, sys
for name, module in json.loads(sys.argv[1]).items():
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        try:
            importlib.import_module(module).main([name, "--help"])
        except SystemExit as end:
            assert not end.code, (name, end.code)
    assert "--" in shown.getvalue(), name
    heavy = {"tensorflow", "keras", "sklearn", "matplotlib", "pandas"} & set(sys.modules)
    assert not heavy, (name, heavy)
"""
    command = [sys.executable, "-c", code, json.dumps(COMMANDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
