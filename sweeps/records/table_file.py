"""The table of records as a file of unknown origin: what it declares is held against limits before it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from prune_core.base.limits import TABLE_BYTES, TABLE_ROWS, size_text

if TYPE_CHECKING:
    import pandas as pd


class DamagedTable(BadInput):
    """A file that is no table at all: empty, cut short, or of another kind."""


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of records.

    Raises:
        DamagedTable: it cannot be read.
        BadInput: it is larger than a table of records may be.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _check(path, file.metadata.num_rows, file.metadata.num_columns, _declared(file.metadata))
            texts = [column.path for column in _columns(file.schema) if column.physical_type == "BYTE_ARRAY"]
        _check_texts(path, texts)
        return pd.read_parquet(path)
    except BadInput:
        raise
    except (OSError, ValueError, TypeError, KeyError, MemoryError, OverflowError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedTable(f"{path}: cannot be read: {said}") from error


def _columns(schema: Any) -> list[Any]:
    return [schema.column(at) for at in range(len(schema))]


def _declared(metadata: Any) -> int:
    """Return the bytes of all columns before they were packed, as the file declares them."""
    return sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))


def _check(path: Path, rows: int, columns: int, declared: int) -> None:
    if rows > TABLE_ROWS:
        raise BadInput(f"{path}: a table of {rows:,} rows (allowed: up to {TABLE_ROWS:,})")
    size = max(declared, 8 * rows * columns)
    if size > TABLE_BYTES:
        raise BadInput(f"{path}: a table of {size_text(size)} in memory (allowed: up to {size_text(TABLE_BYTES)})")


def _check_texts(path: Path, names: list[str]) -> None:
    """Raise where texts that stand in the file once, and are pointed to by every row, would fill the memory."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, read_dictionary=names) as file:
        size = 0
        for batch in file.iter_batches(columns=names) if names else ():
            for column in batch.columns:
                longest = max((len(str(text)) for text in getattr(column, "dictionary", column).to_pylist()), default=0)
                size += longest * len(column)
            if size > TABLE_BYTES:
                raise BadInput(f"{path}: a table of more than {size_text(TABLE_BYTES)} in memory, the most allowed")
