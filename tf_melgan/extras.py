"""Error messages for missing optional packages, with the extra to install."""

from collections.abc import Iterator
from contextlib import contextmanager

_EXTRAS = {
    "train": (
        "tensorflow keras librosa scipy matplotlib tensorboardX pesq pystoi speechmos flatbuffers "
        "jinja2 h5py"
    ),
    # onnxruntime is of "train", too; this one is the smaller.
    "onnx": "tf2onnx onnx onnxruntime",
    "jax": "jax",
    "io": "tensorflow_io",
    "serving": "ray fastapi orjson uvicorn",
}
_EXTRA_OF = {package: extra for extra, packages in _EXTRAS.items() for package in packages.split()}


@contextmanager
def require_extra(what: str) -> Iterator[None]:
    """Turns a missing optional package inside the block into an error that says what to install.

    Args:
        what: the feature that needs the package, for the message.

    Raises:
        ImportError: an optional package is missing; the message names it and its extra. Errors
            about other missing modules pass unchanged.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA_OF:
            raise
        extra = _EXTRA_OF[package]
        raise ImportError(
            f"{what} needs {package}, which is not installed; install tf-melgan with its extra "
            f'{extra}: pip install ".[{extra}]" in its folder'
        ) from error
