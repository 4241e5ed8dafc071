"""One file per sampler; every file in this folder is imported, and so registers what it defines.

Optuna itself is imported when a sampler is made: a study is read without it.
"""

from __future__ import annotations

from prune_core.base.discovery import import_modules

import_modules(__name__, __path__)
