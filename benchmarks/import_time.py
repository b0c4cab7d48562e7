"""What ``import tensorcalc`` costs beside ``import numpy``: whole processes, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PAIRS = 15


def seconds(code: str) -> float:
    """The wall time of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the median ratio of pairs run one after the other."""
    for code in ("import numpy", "import tensorcalc"):
        seconds(code)
    pairs = [(seconds("import tensorcalc"), seconds("import numpy")) for _ in range(PAIRS)]
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"import tensorcalc / import numpy: median ratio {ratio:.2f} of {PAIRS} pairs")


if __name__ == "__main__":
    main()
