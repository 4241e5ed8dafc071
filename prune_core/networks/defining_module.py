"""Which module of a user's own builds a network: a saved file says so, since the code itself is not in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.files import parse_json
from prune_core.networks.registry import NETWORKS

HEADER_KEY = "module"
"""Of the text in a saved file's header; networks that ship have none."""
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class DefiningModule:
    """The module that registered a network.

    Attributes:
        name: dotted, as it is imported.
        code: SHA-256 of its source, and of the user's modules that it imports, by module.
    """

    name: str
    code: Mapping[str, str]

    def header_text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps({"name": self.name, "code": dict(self.code)}, sort_keys=True)

    @classmethod
    def from_header_text(cls, text: str) -> DefiningModule:
        """Read what `header_text` wrote.

        Raises:
            BadInput: it does not name a module.
        """
        plain = parse_json(text)
        name, code = (plain.get("name"), plain.get("code")) if isinstance(plain, dict) else (None, None)
        if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 200 or not isinstance(code, dict):
            raise BadInput("the header's 'module' names no Python module (allowed: its name, and digests of its code)")
        return cls(name, {str(module): str(digest) for module, digest in code.items()})

    def missing(self, folder: Path) -> str:
        """Return what to do where it is not imported, for messages.

        Args:
            folder: of the network's file; an export has a copy of the module there.
        """
        file = Path(*self.name.split("."))
        if (folder / file.with_suffix(".py")).is_file() or (folder / file / "__init__.py").is_file():
            return (
                f"it is built by the module {self.name}, which lies beside the file and is not imported: look at it, and "
                f"say --plugin {self.name} in the folder {folder} (in Python: import {self.name} first)"
            )
        digest = self.code.get(self.name, "")
        known = f" (SHA-256 of its source {digest[:12]}...)" if re.fullmatch("[0-9a-f]{64}", digest) else ""
        return (
            f"it is built by the module {self.name}{known}, which is not imported and not in the file: get it from who made "
            f"the file, and say --plugin {self.name} in its folder (in Python: import {self.name} first)"
        )

    def changed(self, name: str) -> str | None:
        """Return in one line how the code here differs from that of the file; None where it does not.

        Args:
            name: of the network, which is known here.
        """
        here = NETWORKS.code(name)
        differing = [module for module in sorted({*self.code, *here}) if self.code.get(module) != here.get(module)]
        if not differing:
            return None
        return f"the code of {', '.join(differing)} ({name}) is not the one that the file was made with"


def defining_module(name: str) -> DefiningModule | None:
    """Return the user's module that registered a network; None for a network that ships, or is not known."""
    module = NETWORKS.module(name)
    return None if module is None else DefiningModule(module, NETWORKS.code(name))
