"""The one exception for what a user can mend; the command line prints it and exits with 2."""


class BadInput(ValueError):
    """Says in one line which file or key is wrong, what is wrong, and what would be right."""
