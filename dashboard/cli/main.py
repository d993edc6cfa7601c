"""The command line: what operators and vendors type. Errors are one sentence on stderr and exit code 2."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ConnectorError
from dashboard.cli.exit_codes import DONE, fail
from dashboard.settings.errors import CannotStart
from dashboard.settings.logs import use_format
from models.schema.backup.container import BackupRefused
from models.schema.database import DatabaseUnsafe
from models.schema.encryption import DecryptionFailed, KeyRefused

# Where each command is. Its module is imported when it runs: the web server alone takes a second.
COMMANDS = {
    "account": "account_commands:account",
    "audit": "audit_commands:audit",
    "backup": "backup_commands:backup",
    "check": "file_commands:check",
    "db": "db_commands:db",
    "deliveries": "deliveries_command:list_deliveries",
    "demo": "demo_command:demo",
    "doctor": "doctor_command:doctor",
    "key": "key_commands:key",
    "load": "file_commands:load",
    "person": "person_commands:person",
    "privacy": "privacy_commands:privacy",
    "quarantine": "quarantine_commands:quarantine",
    "restore": "backup_commands:restore",
    "retention": "retention_commands:retention",
    "sender": "sender_commands:sender",
    "serve": "serve_commands:serve",
    "sync": "serve_commands:sync",
    "worker": "serve_commands:worker",
}
_OWN_SENTENCE = (BackupRefused, CannotStart, DatabaseUnsafe, DecryptionFailed, KeyRefused)


class LazyGroup(click.Group):
    """A group of commands whose modules are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(f"dashboard.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command


def main() -> None:
    """The program `rondblik`."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    use_format("text")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; gives its exit code. What goes wrong is one sentence on stderr."""
    try:
        code = commands.main(list(arguments), prog_name="rondblik", standalone_mode=False)
    except click.ClickException as wrong:
        return fail(wrong.format_message())
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ConnectorError as failed:
        return fail(failed.sentence_en)
    except _OWN_SENTENCE as failed:
        return fail(str(failed))
    except SQLAlchemyError as failed:
        # The text of these may hold an address with a password, or values: only the kind is shown.
        return fail(
            f"The database cannot be used ({type(failed).__name__}); check that it runs, its address in the "
            "configuration, and the permissions of the data folder."
        )
    except OSError as failed:
        return fail(f"{failed.filename or 'A file'}: {failed.strerror or 'cannot be used'}.")
    return code if isinstance(code, int) else DONE


@click.group(cls=LazyGroup)
@click.option("--config", type=click.Path(path_type=Path), help="The configuration; config.yaml in this folder.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The data folder.")
@click.version_option(package_name="rondblik")
@click.pass_context
def commands(context: click.Context, config: Path | None, data: Path | None) -> None:
    """Rondblik: one overview of all learning materials, from UWLR results of several publishers."""
    from dashboard.settings.open_store import Options  # not for --help and --version

    context.obj = Options(config, data)
