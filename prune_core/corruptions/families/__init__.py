"""One file per family of corruptions; every file in this folder is imported, and so registers what it defines."""

from __future__ import annotations

from prune_core.base.discovery import import_modules

import_modules(__name__, __path__)
