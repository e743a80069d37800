"""Package metadata.

Two folders at the root are packages inside `tf_melgan`, by symbolic links that lie there: export/
is `tf_melgan.export`, and configs/ is `tf_melgan.configs`, so that a shipped config is found by its
name wherever the package is installed:
`importlib.resources.files("tf_melgan.configs") / "smoke.yaml"`.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
# Read, not imported: building needs none of the packages that tf_melgan imports.
VERSION = re.search(
    r'^__version__ = "(.+)"$',
    (ROOT / "tf_melgan" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
)

RUNTIME = [
    "numpy>=1.26",
    "soundfile>=0.12",
    "soxr>=0.5",
    "PyYAML>=6",
    "ai-edge-litert>=2.1",
    "tqdm>=4.66",
]
TRAINING = [
    "keras~=3.15.0",
    "h5py>=3.11",
    "librosa>=0.11,<2",
    "scipy>=1.13",
    "matplotlib>=3.9",
    "jinja2>=3.1",
    "tensorboardX>=2.6",
    "pesq>=0.0.4",
    "pystoi>=0.4",
    "speechmos>=0.0.1.1",
    "onnxruntime>=1.20",
    "flatbuffers>=25",
]
VISQOL = "visqol-python>=3.8"
EXTRAS = {
    "train": ["tensorflow>=2.17,<2.22", *TRAINING],
    # The same training on Keras's JAX backend, without TensorFlow on the machine.
    "jax": ["jax>=0.5", *TRAINING],
    # The converter to ONNX, and what runs an .onnx voice.
    "onnx": ["tf2onnx>=1.17", "onnx>=1.19", "onnxruntime>=1.20"],
    # The ops of tensorflow-io load in TensorFlow up to 2.17.1 and fail in any later one.
    "io": ["tensorflow-io==0.37.1", "tensorflow<=2.17.1"],
    # An environment of its own: tensorflow-addons cannot be imported with a later TensorFlow.
    "tfa": ["tensorflow-addons==0.23.0", "tensorflow==2.15.1"],
    "serving": [
        "ray[serve]>=2.60",
        "fastapi>=0.165",
        "orjson>=3.13",
        "tensorflow>=2.17,<2.22",
        "uvicorn>=0.54",
    ],
    # Apart from the training packages: one that it needs is built by a C++ compiler.
    "visqol": [VISQOL],
    "dev": [
        VISQOL,
        "build",
        "espeakng-loader",
        "hibari-tts",
        "import-linter",
        "ipykernel",
        "markdown-it-py",
        "mypy",
        "nbclient",
        "pre-commit",
        "pytest",
        "pytest-xdist",
        "ruff",
        "selenium",
        "types-PyYAML",
    ],
    # What tests compare models and losses with. Apart from dev, since the usual wheel of torch
    # brings several GB of CUDA: tests/*against_torch* are left out where it is not installed.
    "oracle": ["torch"],
    "docs": ["mkdocs>=1.6", "mkdocs-material>=9.7", "mkdocstrings[python]>=1"],
}

setup(
    name="tf-melgan",
    version=VERSION[1],
    description="From recordings to a MelGAN vocoder: log-mel spectrograms in, sound out",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["tf_melgan", "tf_melgan.*"]),
    # Said, so that an editable install is a path that static tools can follow.
    package_dir={"": "."},
    package_data={
        "tf_melgan": ["py.typed"],
        "tf_melgan.audio": ["*.npz"],
        "tf_melgan.configs": ["*.yaml"],
        "tf_melgan.evaluation": ["*.jinja"],
        "tf_melgan.voices": ["*.tflite", "*.npz", "*.npy", "*.md"],
    },
    install_requires=RUNTIME,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["tf-melgan = tf_melgan.cli.main:main"]},
)
