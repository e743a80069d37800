"""Output that appears whole or not at all, and what is said when it cannot."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from tf_melgan.errors import UserInputError
from tf_melgan.files import (
    atomic_file,
    atomic_folder,
    delete_own_partials,
    lock,
    remove_partials,
    require_writable,
)


@pytest.mark.parametrize("atomic", [atomic_file, atomic_folder])
def test_a_failed_read_inside_is_not_told_as_a_failed_write(tmp_path, atomic):
    with pytest.raises(FileNotFoundError) as caught, atomic(tmp_path / "out"):
        (tmp_path / "missing.npy").read_bytes()
    assert caught.value.filename == str(tmp_path / "missing.npy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "free some space or choose another folder"),
        (errno.EDQUOT, "free some space or choose another folder"),
        (errno.EROFS, "choose another folder"),
    ],
)
def test_a_failed_write_names_the_output_and_leaves_the_old_file(tmp_path, code, remedy):
    out = tmp_path / "out"
    out.write_text("old")
    with pytest.raises(UserInputError) as caught, atomic_file(out) as temporary:
        temporary.write_text("half")
        raise OSError(code, os.strerror(code), str(temporary))
    assert str(caught.value) == f"{out}: cannot be written ({os.strerror(code)}); {remedy}"
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    out = tmp_path / "out"
    for text in ("one", "two"):
        with atomic_folder(out) as temporary:
            (temporary / "deep").mkdir()
            (temporary / "deep" / "file").write_text(text)
    assert (out / "deep" / "file").read_text() == "two" and list(tmp_path.iterdir()) == [out]


def test_a_locked_folder_names_the_process_that_holds_it(tmp_path):
    out = tmp_path / "new" / "out"
    code = f"from tf_melgan.files import lock\nwith lock({str(out)!r}): print('held'); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        line = f"{out}: is in use by process {holder.pid}; wait until it ends, or choose another "
        with pytest.raises(UserInputError) as caught, lock(out):
            pytest.fail("the folder is locked")
        assert str(caught.value) == line + "folder"
        holder.kill()
    itself = pytest.raises(UserInputError, match=f"in use by process {os.getpid()};")
    with lock(out), itself, lock(out):
        pytest.fail("the folder is locked")
    with lock(out):
        assert [path.name for path in out.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_locked(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserInputError) as caught, lock(tmp_path / "file"):
        pytest.fail("there is no folder")
    expected = f"{tmp_path / 'file'}: cannot be written (File exists); choose another folder"
    assert str(caught.value) == expected


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def unsupported(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    entered = []
    with lock(tmp_path):
        entered.append(True)
    assert entered


def test_a_folder_is_tried_before_anything_is_computed_for_it(tmp_path, monkeypatch):
    require_writable(tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []
    blocked = tmp_path / "file"
    blocked.write_text("")
    for out in (blocked, blocked / "out"):
        with pytest.raises(UserInputError) as caught:
            require_writable(out)
        expected = f"{out}: cannot be written (Not a directory); choose another folder"
        assert str(caught.value) == expected

    def read_only(*arguments, dir, **settings):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), f"{dir}/tmp12345")

    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    with pytest.raises(UserInputError, match=r"out: cannot be written \(Read-only file system\);"):
        require_writable(tmp_path / "out")


def test_only_what_was_being_written_is_swept(tmp_path):
    kept = [tmp_path / name for name in ("a.npz", ".b.0123abcd.part.npz", ".a.0123abcd.part.wav")]
    for path in kept:
        path.write_text("")
    (tmp_path / ".a.0123abcd.part.npz").write_text("")
    (tmp_path / ".step-1.0123abcd.part" / "deep").mkdir(parents=True)
    remove_partials(tmp_path / "a.npz")
    remove_partials(tmp_path / "step-*")
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_process_that_ends_deletes_what_it_is_writing(tmp_path):
    with pytest.raises(UserInputError), atomic_folder(tmp_path / "folder") as folder:
        (folder / "half").write_text("")
        with atomic_file(tmp_path / "file") as file:
            file.write_text("half")
            delete_own_partials()
            assert list(tmp_path.iterdir()) == []
