"""``python -m documentation`` builds the site into build/site; a warning, or anything loaded from elsewhere, is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from documentation.elsewhere import loaded_from_elsewhere
from documentation.gather import ROOT, gather, write_configuration
from documentation.search_from_disk import write_search

SITE = ROOT / "build" / "site"


def main() -> int:
    """Gather, build, check; return the exit status."""
    gather(ROOT / "build" / "docs")
    configuration = write_configuration(ROOT / "build" / "docs")
    shutil.rmtree(SITE, ignore_errors=True)
    zensical = Path(sys.executable).with_name("zensical")
    built = subprocess.run([zensical, "build", "--clean", "--strict", "-f", configuration], cwd=ROOT, check=False)  # noqa: S603 (this environment's own)
    if built.returncode != 0:
        return built.returncode
    write_search(SITE)
    found = loaded_from_elsewhere(SITE)
    for line in found:
        sys.stderr.write(f"loaded from elsewhere: {line}\n")
    sys.stdout.write(f"{len(list(SITE.rglob('*.html')))} pages: {SITE / 'index.html'}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
