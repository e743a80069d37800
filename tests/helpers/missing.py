"""Programs that run as if packages were not installed."""


def without(*packages: str) -> str:
    """Returns the first line of a program that cannot import `packages`."""
    return f"import sys; sys.modules.update(dict.fromkeys({list(packages)!r}))\n"
