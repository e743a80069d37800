"""Package metadata.

Two folders at the root install inside the package: export/ as `tf_melgan.export`, and configs/ as
`tf_melgan.configs`, so that a shipped config is found by its name wherever the package lies:
`importlib.resources.files("tf_melgan.configs") / "smoke.yaml"`.
"""

from pathlib import Path

from setuptools import setup

RUNTIME = ["numpy>=1.26", "soundfile>=0.12", "soxr>=0.5", "PyYAML>=6", "ai-edge-litert>=2.1"]
TRAINING = [
    "keras~=3.15.0",
    "librosa>=0.11,<2",
    "scipy>=1.13",
    "matplotlib>=3.9",
    "tensorboardX>=2.6",
    "pesq>=0.0.4",
    "pystoi>=0.4",
    "speechmos>=0.0.1.1",
    "onnxruntime>=1.20",
    "flatbuffers>=25",
]
EXTRAS = {
    "train": ["tensorflow>=2.17,<2.22", *TRAINING],
    # The same training on Keras's JAX backend, without TensorFlow on the machine.
    "jax": ["jax>=0.5", *TRAINING],
    # The ops of tensorflow-io load in TensorFlow up to 2.17.1 and fail in any later one.
    "io": ["tensorflow-io==0.37.1", "tensorflow<=2.17.1"],
    # An environment of its own: tensorflow-addons cannot be imported with a later TensorFlow.
    "tfa": ["tensorflow-addons==0.23.0", "tensorflow==2.15.1"],
    "serving": ["ray[serve]>=2.60", "fastapi>=0.165", "orjson>=3.13", "tensorflow>=2.17,<2.22"],
    "dev": ["build", "espeakng-loader", "pytest", "pytest-xdist", "ruff", "selenium", "torch"],
}

setup(
    name="tf-melgan",
    version="0.1.0",
    description="From recordings to a MelGAN vocoder: log-mel spectrograms in, sound out",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    packages=[
        "tf_melgan",
        "tf_melgan.backends",
        "tf_melgan.configs",
        "tf_melgan.export",
        "tf_melgan.voices",
    ],
    package_dir={"tf_melgan.configs": "configs", "tf_melgan.export": "export"},
    package_data={
        "tf_melgan.configs": ["*.yaml"],
        "tf_melgan.voices": ["*.tflite", "*.npz", "*.npy", "*.md"],
    },
    install_requires=RUNTIME,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["tf-melgan = tf_melgan.cli.main:main"]},
)
