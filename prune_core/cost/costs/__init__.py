"""One file per kind of cost; every file in this folder is imported, and so registers what it defines.

`prune_core.metrics` imports this folder, so that whoever knows the metrics knows the costs. None of the files imports torch:
what a function is given (`prune_core.cost.measured.MeasuredNetwork`) has measured what needs it.
"""

from __future__ import annotations

from prune_core.base.discovery import import_modules

import_modules(__name__, __path__)
