"""Trains under faults, and compares the end with that of an undisturbed training.

    make chaos

The swiss roll and a tiny image set are trained with --deterministic. A driver kills them at random
moments, by SIGKILL, and starts them again; it damages the newest checkpoint, and lets a disk run
full. At the end the last checkpoint, which holds the model and every optimizer, must have the same
bits as that of an undisturbed run. KILLS says how many kills there are (30), SEED at which moments.
Needs root, to mount a small disk.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import h5py

from tests.conftest import ALONE, ATTRIBUTES, write_celeba

KILLS, SEED = int(os.environ.get("KILLS", "30")), int(os.environ.get("SEED", "0"))

# A checkpoint after each step, so that most kills meet one that is being written.
TRAINER = (
    "trainers.csvae",
    "--deterministic",
    "--notensorboard",
    "--checkpoint_minutes=1e-6",
    "--seed=3",
    *ALONE,
)
SWISS_ROLL = (
    "--batch_size=500",
    "--steps_per_execution=1",
    "--jit_compile=false",
    "--hidden=16,16",
)
IMAGES = ("--image_size=16", "--filters=4,8", "--hidden=8", "--batch_size=4", "--dataset=celeba")

# The most seconds that a training lives after its first checkpoint, or after its start.
LONGEST = 2.0


def train(flags, run_dir, log):
    """Starts a training."""
    command = [sys.executable, "-m", *TRAINER, *flags, f"--run_dir={run_dir}"]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def finished(flags, run_dir, log):
    """Trains to the end; returns the bytes of everything in the last checkpoint, by name."""
    with open(log, "a") as file:
        code = train(flags, run_dir, file).wait()
    if code:
        sys.exit(f"{run_dir} ended with {code}: {log.read_text()[-2000:]}")
    return last_checkpoint(run_dir)


def last_checkpoint(run_dir):
    """Returns {name: bytes} of all arrays in the last checkpoint of a finished run."""
    newest = max(run_dir.glob("backup/epoch-*.weights.h5"))
    found = {}
    with h5py.File(newest) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def damage(backup, dice):
    """Flips a bit of the newest checkpoint, or cuts it; returns whether there was one."""
    states = sorted(backup.glob("epoch-*.json"), key=lambda path: path.stem)
    if len(states) < 2:
        return False
    weights = states[-1].with_suffix(".weights.h5")
    content = bytearray(weights.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    weights.write_bytes(bytes(content) if dice.random() < 0.5 else bytes(content[: len(content) // 2]))
    return True


def saved_since(backup, began):
    """Whether a checkpoint was written after a moment."""
    try:
        return any(path.stat().st_mtime > began for path in backup.glob("epoch-*.json"))
    except FileNotFoundError:  # removed as it was looked at, since a newer one is there
        return True


def killed(flags, run_dir, log, most, dice):
    """Trains until it is done, killed at random moments at most ``most`` times and started again.

    Returns:
        {count: number}: kills; in a write: those that left a file half written; damaged: the
        checkpoints that were damaged after a kill.
    """
    counts = dict.fromkeys(("kills", "in a write", "damaged"), 0)
    while counts["kills"] < most:
        backup, began = run_dir / "backup", time.time()
        with open(log, "a") as file:
            process = train(flags, run_dir, file)
        if dice.random() < 0.9:  # most while it trains, some while it starts
            while process.poll() is None and not saved_since(backup, began):
                time.sleep(0.02)
        try:
            process.wait(dice.uniform(0, LONGEST))
        except subprocess.TimeoutExpired:
            process.kill()
        code = process.wait()
        if code == 0:
            break
        if code != -9:
            sys.exit(f"{run_dir} ended with {code}: {log.read_text()[-2000:]}")
        counts["kills"] += 1
        counts["in a write"] += bool(list(backup.glob(".*"))) or bool(list(run_dir.glob(".[0-9]*")))
        if dice.random() < 0.2:
            counts["damaged"] += damage(backup, dice)
    return counts


def filled(flags, folder, log):
    """Trains on a disk that is too small, then on the same disk enlarged, as ``finished``."""
    disk = folder / "small_disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(disk)], check=True)
    try:
        with open(log, "a") as file:
            code = train((*flags, "--checkpoints_to_keep=9"), disk / "run", file).wait()
        if code != 1 or "No space left on device" not in log.read_text():
            sys.exit(f"A full disk ended with {code}: {log.read_text()[-2000:]}")
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        return finished(flags, disk / "run", log)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def main():
    """Prints a row of the table for each disturbed training; exits with 1 if one differs."""
    dice = random.Random(SEED)
    print("| training | disturbed by | in a write | damaged, reported | end |")
    print("| --- | --- | --- | --- | --- |")
    different = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        faces = write_celeba(folder / "faces")
        data = (f"--data_dir={faces}", f"--attributes={','.join(ATTRIBUTES)}")
        kinds = {
            "swiss roll": (*SWISS_ROLL, "--epochs=10"),
            "images": (*IMAGES, *data, "--epochs=25"),
        }
        for number, (name, flags) in enumerate(kinds.items(), start=1):
            whole = finished(flags, folder / name / "whole", folder / f"{name}.log")
            left, attempt = KILLS * number // len(kinds) - KILLS * (number - 1) // len(kinds), 0
            while left > 0:
                attempt += 1
                run_dir, log = folder / name / f"killed_{attempt}", folder / f"{name}_{attempt}.log"
                counts = killed(flags, run_dir, log, left, dice)
                done = (run_dir / "metrics.json").exists()
                end = last_checkpoint(run_dir) if done else finished(flags, run_dir, log)
                reported = log.read_text().count("is damaged; going back")
                left -= counts["kills"]
                damaged = f"{counts['damaged']}, {reported}"
                show(name, f"{counts['kills']} kills", counts["in a write"], damaged, end == whole)
                different += end != whole
            end = filled(flags, folder / name, folder / f"{name}_disk.log")
            show(name, "a full disk", "–", "–", end == whole)
            different += end != whole
    sys.exit(different > 0)


def show(name, by, writes, damaged, same):
    """Prints a row of the table."""
    print(
        f"| {name} | {by} | {writes} | {damaged} | {'bit-equal' if same else 'DIFFERENT'} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
