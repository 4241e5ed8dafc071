"""The modules of a user that register networks, methods, datasets or metrics: imported in every process that needs them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

from prune_core.base.errors import BadInput


def import_plugins(modules: Iterable[str], paths: Iterable[str] = ()) -> None:
    """Import the user's modules, so that what they register is known.

    Args:
        modules: their names.
        paths: folders to look in before all others, the first one first; they stay on ``sys.path``, since a plugin may
            import more of them later.

    Raises:
        BadInput: a module cannot be imported, with the reason on one line.
    """
    looked = list(dict.fromkeys(paths))
    sys.path[:0] = [path for path in looked if path not in sys.path]
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (outside code may raise anything)
            why = " ".join(f"{type(error).__name__}: {error}".split())
            where = f" (looked in {', '.join(looked)} and among what is installed)" if _is_missing(module, error) else ""
            raise BadInput(f"plugins: {module} cannot be imported: {why}{where}") from None


def _is_missing(module: str, error: BaseException) -> bool:
    """Whether the module itself is not there, and not something that it imports."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "") in (module, module.partition(".")[0])
