"""The ``banshi`` command. One module a group of commands; output.py says how all of them speak.

Exit status: 0 done, 1 refused with a reason, 2 wrong usage. With ``--json`` standard output is one JSON document;
progress and logs go to standard error.
"""

from banshi.cli.main import main

__all__ = ["main"]
