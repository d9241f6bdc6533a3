#!/usr/bin/env python3
"""The door of the checkout: demo, test, check, manage, bench, lock. Standard library only.

This file alone is read by Pythons that are too old for the rest, so that they can say so: keep its syntax old.
"""

import os
import sys

OLDEST = (3, 11)
NEWER_NAMES = ["python3.14", "python3.13", "python3.12", "python3.11"]


def newer_python():
    """Find a Python on the PATH that is new enough, or None."""
    for name in NEWER_NAMES:
        for directory in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(directory, name)
            # Ask it: version managers put names on the PATH that start nothing.
            if os.access(path, os.X_OK) and os.system('"' + path + '" -c "" >/dev/null 2>&1') == 0:
                return path
    return None


def main():
    """Hand over to the checkout's own code, in a Python that can run it."""
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        newer = newer_python()
        if newer is None:
            sys.exit(
                "Rebalancer needs Python 3.11 or newer and this is Python " + found + " (" + sys.executable + "): "
                "install a newer one and run it as `python3.11 dev.py`."
            )
        sys.stderr.write("Python " + found + " is too old: going on with " + newer + ".\n")
        sys.stderr.flush()
        os.execv(newer, [newer, os.path.join(here, "dev.py")] + sys.argv[1:])
    sys.path.insert(0, here)
    from rebalancer.embedded.bootstrap import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
