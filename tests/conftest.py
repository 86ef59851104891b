"""What several tests need: small data, made on the spot."""

import os
import re
import struct
import subprocess

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tests import processes

ATTRIBUTES = ("Smiling", "Male", "Wearing_Hat")
SPLITS = {0: 16, 1: 4, 2: 6}

# Flags of a training that makes no guide and no judge, each of which is a training of its own.
ALONE = ("--guide=none", "--judge=none")

# Folders and files whose tests share trained or exported models: one process makes the models and
# runs all tests of the folder or file.
TOGETHER = (
    "tests/export/",
    "tests/test_docs.py",
    "tests/tf_csvae/evaluation/test_verdict.py",
    "tests/tf_csvae/models/test_replicas.py",
    "tests/tf_csvae/training/test_fit.py",
    "tests/trainers/test_compare.py",
)


@pytest.fixture(scope="session", autouse=True)
def quick_graphs():
    """Turns off TensorFlow's graph optimizer, which takes longer than it saves in small graphs."""
    processes.quick_graphs()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keeps those tests together, and begins with them, since they take longest."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return next((part for part in TOGETHER if nodeid.startswith(part)), nodeid)

    return Scheduling(config, log)


@pytest.fixture
def celeba_dir(tmp_path):
    """A folder as ``write_celeba`` makes it."""
    return write_celeba(tmp_path / "celeba")


def write_celeba(folder):
    """Writes a folder in CelebA's official layout: 26 images of 3 attributes; returns it.

    An image's red, green and blue are high exactly where its 1st, 2nd and 3rd attribute is 1.
    """
    import tensorflow as tf

    (folder / "img_align_celeba").mkdir(parents=True)
    random = np.random.default_rng(0)
    count = sum(SPLITS.values())
    values = random.random((count, len(ATTRIBUTES))) < 0.5
    rows, partition = [], []
    splits = np.repeat(list(SPLITS), list(SPLITS.values()))
    for number, (labels, split) in enumerate(zip(values, splits, strict=True), start=1):
        name = f"{number:06d}.jpg"
        image = np.broadcast_to(np.where(labels, 220, 30), (50, 40, 3)).astype(np.uint8)
        tf.io.write_file(str(folder / "img_align_celeba" / name), tf.io.encode_jpeg(image, quality=100))
        rows.append(f"{name} " + " ".join(" 1" if value else "-1" for value in labels))
        partition.append(f"{name} {split}")
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(count), " ".join(ATTRIBUTES), *rows]) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(partition) + "\n")
    return folder


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a file system of so many KiB and returns its folder; it needs root."""
    mounted = []

    def mount(kib):
        folder = tmp_path / "small_disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("a small disk can be mounted by root alone")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def image_dir(tmp_path):
    """A folder as ``write_images`` makes it."""
    return write_images(tmp_path / "pictures")


def write_images(folder, count=40):
    """Writes images in several formats and folders, and labels.csv beside them; returns the folder.

    An image is red if it is "warm" and bright if it is "light". Three in a row are of one "person".
    """
    import tensorflow as tf

    random = np.random.default_rng(0)
    rows = ["file,warm,light,person"]
    for number in range(count):
        warm, light = random.integers(0, 2, 2)
        image = np.zeros((12, 16, 3), np.uint8) + np.uint8([0, 60 * light, 0])
        image[..., 0 if warm else 2] = 220
        image[8:, :2] = 6 * number  # no two images are the same
        name = f"{'a' if number % 2 else 'b/c'}/{number:03d}.{('png', 'jpg', 'bmp')[number % 3]}"
        encoded = _bmp(image) if number % 3 == 2 else (tf.io.encode_png, tf.io.encode_jpeg)[number % 3](image)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded if isinstance(encoded, bytes) else encoded.numpy())
        rows.append(f"{name},{('no', 'yes')[warm]},{('False', 'True')[light]},p{number // 3}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def _bmp(image):
    """Returns an image as a BMP file: rows from the bottom, blue first, padded to four bytes."""
    height, width, _ = image.shape
    pixels = image[::-1, :, ::-1].tobytes()
    header = b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54)
    return header + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0) + pixels


def write_table(folder, rows=120):
    """Writes people.csv, rows of height, weight and whether they are "tall"; returns its flags.

    The cheapest data there are for a test that is about processes, not about what is learned.
    """
    random = np.random.default_rng(0)
    height, weight = random.normal(170, 10, rows), random.normal(70, 8, rows)
    lines = [f"{h:.1f},{w:.1f},{int(h > 170)}" for h, w in zip(height, weight, strict=True)]
    (folder / "people.csv").write_text("\n".join(["height,weight,tall", *lines]) + "\n")
    return "--dataset=table", f"--data_path={folder}/people.csv", "--label_columns=tall"


@pytest.fixture
def edit():
    """A function that replaces a line (numbered from 1) of a text file; None removes it."""

    def edit(path, line, text):
        lines = path.read_text().splitlines()
        lines[line - 1 : line] = [] if text is None else [text]
        path.write_text("\n".join(lines) + "\n")

    return edit


def needs_no_other_file(page):
    """Returns whether a page of HTML names no address; its pictures may spell one by chance."""
    text = re.sub("base64,[A-Za-z0-9+/=]+", "", page)
    return "http" not in text.replace("http-equiv", "")
