"""Archives of voices: each changed byte is noticed, and nothing large is made of a small file."""

import contextlib
import zipfile

import pytest

from tf_melgan.voices.archive import SEAL, read_archive, seal_archive

ENTRIES = {"a.npy": bytes(range(200)), "b.json": b"{}"}


def written(path, entries=ENTRIES, **settings):
    with zipfile.ZipFile(path, "w", **settings) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def sealed(path, entries=ENTRIES):
    seal_archive(written(path, entries))
    return path


def test_a_sealed_archive_gives_its_entries(tmp_path):
    path = sealed(tmp_path / "x.npz")
    assert read_archive(path) == ENTRIES
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [*ENTRIES, SEAL]


def test_an_archive_from_before_there_were_seals_is_read(tmp_path):
    assert read_archive(written(tmp_path / "x.npz")) == ENTRIES


def test_no_flipped_bit_changes_an_entry(tmp_path):
    content = sealed(tmp_path / "x.npz").read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        (tmp_path / "y.npz").write_bytes(changed)
        with contextlib.suppress(ValueError):  # A flipped date, for one, is not noticed.
            assert read_archive(tmp_path / "y.npz") == ENTRIES


@pytest.mark.parametrize(
    "entries",
    [
        {"a.npy": ENTRIES["b.json"], "b.json": ENTRIES["a.npy"]},
        {**ENTRIES, "c": b""},
        {"a.npy": ENTRIES["a.npy"]},
    ],
    ids=["exchanged", "added", "removed"],
)
def test_entries_that_the_seal_does_not_know_are_refused(tmp_path, entries):
    with zipfile.ZipFile(sealed(tmp_path / "x.npz")) as archive:
        seal = archive.read(SEAL)
    path = written(tmp_path / "y.npz", {**entries, SEAL: seal})
    with pytest.raises(ValueError, match=r"^its checksum is wrong$"):
        read_archive(path)


def test_what_would_unpack_to_more_than_the_file_is_refused(tmp_path):
    bomb = {"a": bytes(1 << 20)}
    path = written(tmp_path / "x.npz", bomb, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="a compressed entry"):
        read_archive(path)


def test_a_name_twice_is_refused(tmp_path):
    path = written(tmp_path / "x.npz")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", b"other")
    with pytest.raises(ValueError, match="a name twice"):
        read_archive(path)
