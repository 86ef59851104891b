import numpy as np
import pytest
from PIL import Image

from tf_csvae import InputError
from tf_csvae.configs import DataConfig
from tf_csvae.data import image_format


@pytest.mark.parametrize(
    ("text", "sides"), [("auto", None), ("64", (64, 64)), (16, (16, 16)), ("48x64", (48, 64))]
)
def test_the_size_is_a_side_or_height_and_width(text, sides):
    assert image_format.sides(DataConfig(image_size=text)) == sides


@pytest.mark.parametrize("text", ["0", "64x", "x64", "64 x 64", "9000", "-3", "big", "1x9000"])
def test_other_sizes_are_refused(text):
    with pytest.raises(InputError, match=f"--image_size={text}: expected one side, as in 64"):
        image_format.sides(DataConfig(image_size=text))


@pytest.mark.parametrize(
    ("seen", "sides"),
    [
        ([(28, 28)] * 9, (28, 28)),
        ([(68, 56)] * 9, (68, 56)),
        ([(48, 64)] * 9, (48, 64)),
        ([(218, 178)] * 9, (64, 52)),
        ([(600, 800)] * 9, (48, 64)),
        ([(100, 100)] * 9, (64, 64)),
        ([(103, 100), (100, 102)] * 9, (64, 64)),  # nearly square
        ([(600, 800), (800, 600)] * 9, (64, 64)),  # of both kinds: squares
        ([(20, 30), (30, 20)] * 9, (20, 20)),
        ([(1, 60)] * 9, (1, 60)),
    ],
)
def test_sides_follow_the_files(seen, sides):
    assert image_format.fitting_sides(seen) == sides


def write(folder, mode, count=5, **options):
    paths = []
    for number in range(count):
        values = np.random.default_rng(number).integers(0, 256, (30, 40, 4), dtype=np.uint8)
        values[..., 3] = options.get("opacity", 255)
        image = Image.fromarray(values).convert(mode)
        if options.get("grey"):
            image = image.convert("L").convert(mode)
        paths.append(str(folder / f"{number}.png"))
        image.save(paths[-1])
    return paths


@pytest.mark.parametrize(
    ("mode", "options", "channels"),
    [
        ("RGB", {}, 3),
        ("L", {}, 1),
        ("RGB", {"grey": True}, 1),  # grey scans are often kept in three channels
        ("RGBA", {}, 3),  # nothing is transparent
        ("RGBA", {"opacity": 100}, 4),
        ("LA", {"opacity": 100}, 4),
    ],
)
def test_channels_follow_the_files(tmp_path, mode, options, channels):
    found = image_format.of_files(write(tmp_path, mode, **options), DataConfig())
    assert found.shape == (30, 40, channels)


def test_one_image_in_colour_or_with_transparency_is_enough(tmp_path):
    (tmp_path / "grey").mkdir()
    grey, (colour,) = write(tmp_path / "grey", "L", 9), write(tmp_path, "RGB", 1)
    assert image_format.of_files([*grey, colour], DataConfig()).shape[2] == 3


def test_a_background_leaves_three_channels(tmp_path):
    paths = write(tmp_path, "RGBA", opacity=100)
    found = image_format.of_files(paths, DataConfig(background="#00ff80", image_size="20x10"))
    assert found == image_format.Format((20, 10, 3), (0, 255, 128))
    with pytest.raises(InputError, match="--background=red: expected a colour as six hexadecimal digits"):
        image_format.of_files(paths, DataConfig(background="red"))


def test_sixteen_bits_are_grey(tmp_path):
    values = np.arange(0, 60000, 50, dtype=np.uint16).reshape(30, 40)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert image_format.of_files([str(tmp_path / "a.png")], DataConfig()).shape == (30, 40, 1)


def test_files_that_cannot_be_read_are_passed_over(tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    paths = [str(tmp_path / "no.png"), str(tmp_path / "gone.png")]
    assert image_format.of_files(paths, DataConfig()).shape == (64, 64, 3)


def test_a_photograph_counts_as_it_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40), "red").save(tmp_path / "a.jpg", exif=exif)
    assert image_format.of_files([str(tmp_path / "a.jpg")], DataConfig()).shape[:2] == (60, 40)
