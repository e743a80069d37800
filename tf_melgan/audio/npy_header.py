"""Reads the header of a `.npy` file before anything of the size it states is allocated."""

import warnings
from typing import IO

import numpy as np

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_MOST_BYTES = 1 << 10


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads a header; the file is then at the first value.

    Args:
        file: a `.npy` file at its start.

    Returns:
        The shape, whether the order is Fortran's, and the dtype.

    Raises:
        ValueError: the file is not a `.npy` file, or its header is damaged, or longer than that of
            an array of numbers.
    """
    try:
        reader = _READERS[np.lib.format.read_magic(file)]
        with warnings.catch_warnings():
            # NumPy warns when it reads a header as Python 2 may have written it.
            warnings.simplefilter("ignore")
            shape, fortran_order, dtype = reader(file, max_header_size=_MOST_BYTES)
    # NumPy parses the header as Python: a damaged one may raise any of Python's errors.
    except Exception:
        raise ValueError("no header of a .npy file") from None
    if min(shape, default=0) < 0 or dtype.hasobject:
        raise ValueError("no array of numbers")
    return shape, fortran_order, dtype
