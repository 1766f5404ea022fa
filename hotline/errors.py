"""What stops a command, said in one sentence that names the way out."""


class CannotRun(Exception):
    """The command cannot run as things are (exit code 2)."""
