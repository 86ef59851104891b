"""The package: ``pip install .`` or, to work on it, ``pip install -e .[dev]``."""

from pathlib import Path

from setuptools import find_packages, setup

# What a client of TensorFlow Serving needs: its protos with gRPC, REST, and retries.
SERVING = [
    "requests>=2.31,<3",
    "tenacity>=9,<10",
    "tensorflow-serving-api>=2.18,<2.22",
]
EXPLORE = ["gradio>=6.31,<7"]
SHARE = ["huggingface-hub>=2,<3"]
TUNE = ["optuna>=5,<6"]
TEST = [
    *SERVING,
    *EXPLORE,
    *SHARE,
    *TUNE,
    "hypothesis>=6.100,<7",
    "playwright>=1.65,<2",
    "pytest>=8,<10",
    "pytest-xdist>=3.6,<4",
]

here = Path(__file__).parent

setup(
    name="tf_csvae",
    version="0.2.0",
    description="Conditional Subspace VAEs and their rivals, in TensorFlow and Keras 3.",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["tf_csvae", "tf_csvae.*", "trainers", "flags", "export", "benchmarks"]),
    package_data={"tf_csvae.evaluation": ["templates/*.html"], "flags": ["*.flags"]},
    entry_points={"console_scripts": ["tf-csvae = trainers.console:main"]},
    python_requires=">=3.11,<3.14",
    # Both ends are tested: `make test` takes the newest of each, `make test-lowest` the oldest.
    install_requires=[
        "absl-py>=2.1,<3",
        "filelock>=3.16,<5",
        # TensorFlow Datasets needs it to prepare a data set and does not declare it.
        "importlib_resources>=6,<8",
        "jinja2>=3.1,<4",
        "keras>=3.10,<3.16",
        "matplotlib>=3.10,<4",
        "numpy>=2.1,<3",
        "pandas>=2.2.3,<4",
        "pillow>=11,<14",
        "pyarrow>=18,<27",  # Parquet
        "scikit-learn>=1.6,<2",
        "scipy>=1.15,<2",
        "tensorboard>=2.20,<2.22",
        "tensorflow>=2.20,<2.22",
        "tensorflow-datasets>=4.9.7,<5",
        "tensorflow-probability>=0.25,<0.26",
        "tf-keras>=2.20,<2.22",  # only since TensorFlow Probability imports it
        "threadpoolctl>=3.5,<4",
        "tqdm>=4.66,<5",
    ],
    extras_require={
        "serving": SERVING,
        "identity": ["dlib-bin>=20,<21", "face-recognition-models>=0.3,<0.4"],
        "explore": EXPLORE,
        "share": SHARE,
        "track": ["mlflow-skinny>=3.17,<4", "wandb>=0.31,<0.32"],
        "tune": TUNE,
        "test": TEST,
        "dev": [*TEST, "ruff>=0.15,<0.18"],
        "interop": ["openvino>=2026.4,<2027", "ovmsclient>=2023.1"],
        "peers": ["ctgan>=0.12,<0.13", "sdmetrics>=0.32,<0.33", "torch>=2.13,<2.14"],
        "fuzz": ["atheris>=3,<4"],
        "gpu": ["tensorflow[and-cuda]>=2.20,<2.22"],
    },
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
    ],
)
