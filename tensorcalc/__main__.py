"""``python -m tensorcalc``: the same as the command ``tensorcalc``."""

import sys

from tensorcalc.cli import main

if __name__ == "__main__":
    sys.exit(main())
