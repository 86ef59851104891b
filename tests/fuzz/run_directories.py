"""Fuzzing of run directories: every file of a finished run, damaged at random."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import pathlib
import shutil
import tempfile

import numpy as np

from tests.fuzz.tables import refused

# What a damaged run is used for.
USES = ("evaluate", "apply", "export", "compare", "resume")


@functools.cache
def finished_run():
    """Returns (folder, path of a tiny finished run and its table, settings); trained once."""
    import tf_csvae
    from tests.conftest import write_table

    made = tempfile.TemporaryDirectory()
    folder = pathlib.Path(made.name)
    write_table(folder)
    options = {"dataset": "table", "data_path": str(folder / "people.csv"), "label_columns": ("tall",)}
    options |= {"hidden": (4,), "z_dim": 2, "epochs": 1, "batch_size": 16, "samples": 5}
    options |= {"tensorboard": False, "jit_compile": "false", "guide": "none", "judge": "none"}
    with contextlib.redirect_stdout(io.StringIO()):
        tf_csvae.fit("vae", run_dir=str(folder / "run"), **options)
    return made, folder, options


def places(value, path=()):
    """Returns the paths of all values in nested dicts and lists."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, each in inside for place in places(each, (*path, key))]


ODD = (None, True, -1, 0, 1.5, 10**400, float("nan"), float("inf"), "", "x" * 5000, "../../x")
ODD += ([], {}, [[]], {"a": 1}, "<b>x</b>", -(2**70), 1e300, "\0", "\ud800", [1, "a"], 1e-300, 2**31)


def damaged_json(text, random):
    """Returns JSON in which a value was replaced, removed or doubled."""
    value = json.loads(text)
    at = places(value)
    *way, last = at[random.integers(len(at))]
    home = value
    for key in way:
        home = home[key]
    action = random.integers(4)
    if action == 0:
        del home[last]
    elif action == 1 and isinstance(home, list):
        home.append(home[last])
    else:
        home[last] = ODD[random.integers(len(ODD))]
    return json.dumps(value).encode("utf-8", "surrogatepass")


def damaged_bytes(content, random):
    """Returns bytes that were cut, changed, doubled, or replaced by others."""
    action = random.integers(5)
    if not content or action == 0:
        return random.bytes(random.integers(200))
    at = int(random.integers(len(content)))
    if action == 1:
        return content[:at]
    if action == 2:
        return content[:at] + random.bytes(random.integers(1, 9)) + content[at + 4 :]
    if action == 3:
        return content[:at] + content[at // 2 :]
    lines = content.split(b"\n")
    line = random.integers(len(lines))
    lines[line] = lines[line][: random.integers(len(lines[line]) + 1)] + random.bytes(random.integers(6))
    return b"\n".join(lines)


def use(what, run, folder, options):
    """Uses a run as its command does."""
    import tf_csvae
    from export import apply, saved_model

    out = str(folder / "out")
    if what == "evaluate":
        tf_csvae.evaluate(run, samples=5)
    elif what == "compare":
        tf_csvae.compare([run], out=out, samples=5)
    elif what == "export":
        saved_model.export(run, out)
    elif what == "resume":
        tf_csvae.fit("vae", run_dir=run, resume=True, **{**options, "epochs": 2})
    else:
        table = str(folder / "people.csv")
        config = apply.ApplyConfig(run_dir=run, mode="encode", input=table, out=out)
        apply.apply(dataclasses.replace(config, batch=200))


def run_directory(content):
    """Damages one file of a run as the bytes say, and uses the run: it works, or tells why not."""
    from tf_csvae import InputError

    _, folder, options = finished_run()
    random = np.random.default_rng(int.from_bytes(content[:16], "little"))
    run = folder / "damaged"
    for path in (run, folder / "out"):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(folder / "run", run)
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.suffix != ".png")
    chosen = files[content[16] % len(files)] if len(content) > 16 else files[0]
    damage = damaged_json if chosen.suffix == ".json" and random.integers(4) else damaged_bytes
    before = chosen.read_bytes()
    chosen.write_bytes(damage(before if damage is damaged_bytes else before.decode(), random))
    what = USES[content[17] % len(USES)] if len(content) > 17 else USES[0]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            use(what, str(run), folder, options)
        except (InputError, OSError) as error:  # what ``command.run`` tells in a line
            refused(error, what, chosen)
    kept = {os.path.basename(path) for path in os.listdir(folder)}
    assert kept <= {"people.csv", "run", "damaged", "out"}, kept
