import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tf_csvae.data import duplicates


@pytest.fixture
def photographs():
    """Ten different images with structures of all sizes, as photographs have."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(10):
        noise = Image.fromarray(random.integers(0, 256, (120, 160, 3), dtype=np.uint8))
        coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((160, 120))
        made.append(Image.blend(coarse, noise, 0.2))
    return made


def write(folder, images):
    paths = []
    for number, image in enumerate(images):
        paths.append(str(folder / f"{number}.png"))
        image.save(paths[-1])
    return paths


def compressed(image, quality):
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(content)


def test_copies_that_were_resized_compressed_or_retouched_are_found(tmp_path, photographs):
    changed = [
        photographs[3].resize((80, 60)),
        compressed(photographs[4], 40),
        photographs[5].filter(ImageFilter.GaussianBlur(1)),
        photographs[6].convert("L"),
        photographs[7].point(lambda value: 0.8 * value + 20),  # another exposure
    ]
    paths = write(tmp_path, [*photographs, *changed])
    (tmp_path / "text.png").write_text("no picture")
    found = duplicates.near_copies([*paths, str(tmp_path / "text.png"), str(tmp_path / "gone.png")])
    assert found == {10: 3, 11: 4, 12: 5, 13: 6, 14: 7}


def test_images_of_one_colour_are_no_copies(tmp_path):
    paths = write(tmp_path, [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "white")])
    assert duplicates.near_copies(paths) == {}
    assert duplicates.near_copies([]) == {}


def test_frames_of_a_video_are_found_by_their_names():
    names = [
        "a_frame_001.png",
        "b.png",
        "a_frame_002.png",
        "Frame12.jpg",
        "c/frame13.jpg",
        "x_1.png",
        "x_2.png",
    ]
    assert duplicates.frames(names) == {2: 0}
    assert duplicates.frames(["c/clip frame 1.jpg", "c/clip frame 2.jpg"]) == {1: 0}
    assert duplicates.frames(["c/clip/Frame1.jpg", "d/clip/Frame2.jpg", "c/clip/frame-3.jpg"]) == {2: 0}


def test_links_of_links_are_one_group():
    assert duplicates.together(6, {4: 3, 2: 1}, {3: 1}) == {2: 1, 3: 1, 4: 1}
    assert duplicates.together(3) == {}
