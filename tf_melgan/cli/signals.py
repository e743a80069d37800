"""How commands end on Ctrl-C and SIGTERM: as after an error, or at once where that takes long."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tf_melgan.files import delete_own_partials

_SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: the command ends as after Ctrl-C, and leaves no unfinished files."""


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Lets SIGTERM end the block like Ctrl-C; signals reach the main thread only."""

    def terminate(number: int, frame: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def ends_at_once(kept: Callable[[], str]) -> Iterator[None]:
    """Inside the block, Ctrl-C and SIGTERM end the process with one line.

    Python would raise KeyboardInterrupt where the main thread runs Python code again: after a
    compilation of a minute, or inside of TensorFlow, which makes other errors of it. Nothing needs
    the main thread to end in order, since files appear whole or not at all. The exit code is 128
    and the signal's number, as of a process that the signal kills.

    Args:
        kept: returns what the line says of the work so far and how to go on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # A copy, since engines' logs are hidden by taking the place of standard error.
    stderr = os.dup(2)
    watcher = threading.Thread(target=_watch, args=(reader, stderr, kept), daemon=True)
    watcher.start()
    handlers = {number: signal.signal(number, lambda *arguments: None) for number in _SIGNALS}
    descriptor = signal.set_wakeup_fd(writer.fileno())
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        writer.close()
        # If a signal came, the watcher ends the process, whatever the block ended with.
        watcher.join()
        os.close(stderr)


def _watch(reader: socket.socket, stderr: int, kept: Callable[[], str]) -> None:
    """Waits for the number of a signal, or for the end of the block."""
    while number := reader.recv(1):
        name = _SIGNALS.get(signal.Signals(number[0]))
        if name is not None:
            os.write(stderr, f"\ntf-melgan: ended by {name}; {kept()}\n".encode())
            delete_own_partials()
            os._exit(128 + number[0])
    reader.close()
