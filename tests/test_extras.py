"""Which extra a missing package is asked for by."""

import pytest

from tf_melgan.extras import require_extra


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("tensorflow", "train"),
        ("keras.src.backend", "train"),
        ("jax", "jax"),
        ("tensorflow_io", "io"),
        ("tf2onnx.handler", "onnx"),
        ("onnxruntime", "onnx"),
        ("ray", "serving"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package, extra):
    with pytest.raises(ImportError) as caught, require_extra("this"):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    assert str(caught.value) == (
        f"this needs {package.partition('.')[0]}, which is not installed; install tf-melgan with "
        f'its extra {extra}: pip install ".[{extra}]" in its folder'
    )


@pytest.mark.parametrize("package", ["tf_melgan.nothing", "some_plugin", "numpy"])
def test_other_missing_modules_are_raised_as_they_are(package):
    with pytest.raises(ModuleNotFoundError) as caught, require_extra("this"):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    assert caught.value.name == package
