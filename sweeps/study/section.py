"""What all sections of a study file share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """What all sections share: frozen once read, and no key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
