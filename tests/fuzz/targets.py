"""What is fuzzed: functions of bytes that return, or raise only what their callers expect."""

import contextlib
import functools
import pathlib

from tests.fuzz import run_directories, tables

SEEDS = pathlib.Path(__file__).parent / "seeds"


def attributes(content):
    """Reads the bytes as a file of attributes and as one of a partition."""
    from tf_csvae import InputError
    from tf_csvae.data import celeba

    _, here = tables.folder()
    path = str(here / "file.txt")
    pathlib.Path(path).write_bytes(content)
    for read in (celeba.read_attributes, celeba.read_partition):
        told = ""
        try:
            read(path)
        except InputError as error:
            told = str(error)
        assert len(told.splitlines()) <= 1, told
        assert len(told) < 1000, told


@functools.cache
def _served():
    from export import signatures
    from tf_csvae import VAE
    from tf_csvae.data import Info
    from tf_csvae.labels import Label

    crop = (0.125, 0.125, 0.875, 0.875)
    info = Info("fuzz", (8, 8, 3), (0.0, 1.0), (Label("a"),), {}, crop=crop)
    model = VAE(info.shape, info.labels, {"filters": [2], "hidden": [4]}, bounded=True)
    return signatures.Served(model, info).signatures["encode_bytes"]


def images(content):
    """Decodes the bytes as an image, and asks an exported model to encode them."""
    import numpy as np
    import tensorflow as tf

    from tf_csvae.data import decoding

    with contextlib.suppress(tf.errors.InvalidArgumentError):
        assert max(decoding.decode(tf.constant(content)).shape) <= decoding.MAX_SIDE
    try:
        code = _served()(tf.constant([content]))
    except tf.errors.InvalidArgumentError:
        return
    assert all(np.isfinite(value).all() for value in code.values())


TARGETS = {
    "attributes": attributes,
    "images": images,
    "tables": tables.table,
    "runs": run_directories.run_directory,
}
