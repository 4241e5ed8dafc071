"""The command ``prunefront``: the group and its exit statuses. Heavy modules are imported late."""

from __future__ import annotations

import errno
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence

import click

from prune_core.base.errors import BadInput, UnknownName
from sweeps.cli import __path__
from sweeps.cli.echo import echo
from sweeps.folder.pages import Pages

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
_UNWRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}
_FULL = {errno.ENOSPC, errno.EDQUOT}

__all__ = ["cli", "run_cli"]


class _Commands(click.Group):
    """A group that answers an unknown command with the nearest and the allowed ones."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise UnknownName("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="prunefront", prog_name="prunefront")
def cli() -> None:
    """Which pruning method, at which ratio, with how much fine-tuning, keeps accuracy, calibration and robustness?"""


def _commands() -> Iterator[click.Command]:
    """Yield what the modules of this folder define: whoever writes a command has nothing else to edit."""
    for each in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "group"):
        defined = vars(importlib.import_module(f"sweeps.cli.{each}")).values()
        yield from (one for one in defined if isinstance(one, click.Command))


for _command in _commands():
    cli.add_command(_command)


def run_cli(group: click.Group, argv: Sequence[str], *, pages: Pages | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        group: the commands.
        argv: the words after ``prunefront``.
        pages: what ``run`` ends with.

    Returns:
        0 done, 1 the work failed, 2 the call or a file it names is wrong (one line on stderr says what), 130 interrupted.
    """
    try:
        result = group.main(list(argv), prog_name="prunefront", standalone_mode=False, obj=pages or Pages())
    except BadInput as error:
        return _wrong(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return DONE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "prunefront"
        return _wrong(f"{_message(error)} (see: {command} --help)")
    except click.ClickException as error:
        return _wrong(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except OSError as error:
        if error.errno not in _UNWRITABLE | _FULL:
            raise
        said = _wrong(f"{error.filename or 'a file'}: cannot be written: {error.strerror}")
        return said if error.errno in _UNWRITABLE else FAILED
    return result if isinstance(result, int) else DONE


def _message(error: click.UsageError) -> str:
    text = error.format_message().rstrip(".")
    return text[0].lower() + text[1:] if text else "the call is wrong"


def _wrong(message: str) -> int:
    sys.stdout.flush()
    echo(f"prunefront: {' '.join(message.split())}", err=True)
    return WRONG
