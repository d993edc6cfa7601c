"""`rondblik quarantine`: list refused messages, show them with personal fields masked, and replay them."""

from __future__ import annotations

import click

from connectors.intake import push
from connectors.intake.masking import mask
from connectors.intake.replay import replay as judge_anew
from connectors.uwlr.agreement import Policy
from dashboard.settings.open_store import Options, Store, open_store
from models.ingest import quarantine as kept_messages
from models.ingest.quarantine import QuarantinedMessage
from models.schema import clock
from models.schema.database import read_transaction
from models.schema.records import Verdict

REFUSED = 1


@click.group()
def quarantine() -> None:
    """List and show refused messages, and process them again after a fix."""


@quarantine.command("list")
@click.pass_obj
def list_messages(options: Options) -> None:
    """List the refused messages whose bytes are kept."""
    with open_store(options) as store, read_transaction(store.engine) as connection:
        for message in kept_messages.quarantined_messages(connection):
            moment = clock.from_us(message.received_us).astimezone(clock.AMSTERDAM).isoformat(timespec="minutes")
            click.echo(f"{message.delivery_id}  {moment}  {message.source_key}  {message.fault}  {message.size} bytes")


@quarantine.command()
@click.argument("number", type=int)
@click.pass_obj
def show(options: Options, number: int) -> None:
    """Print a message that is kept, with what names a pupil, a person or a secret covered."""
    with open_store(options) as store, read_transaction(store.engine) as connection:
        data = kept_messages.raw(connection, store.cipher, number)
    if data is None:
        raise click.ClickException("The bytes of this message are not kept (any more); see `rondblik quarantine list`.")
    click.echo(mask(data).show())


@quarantine.command()
@click.argument("numbers", type=int, nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are kept.")
@click.pass_obj
def replay(options: Options, numbers: tuple[int, ...], every: bool) -> int:
    """Judge refused messages anew; what is accepted now goes into the store."""
    if bool(numbers) == every:
        raise click.UsageError("Name the messages by their numbers, or say --all.")
    code = 0
    with open_store(options) as store:
        for message in _wanted(store, numbers):
            policy: Policy = next(
                (publisher.policy for publisher in store.settings.publishers if publisher.id == message.source_key),
                "strict",
            )
            receipt = judge_anew(store.receiver, message, policy)
            if receipt is None:
                continue
            if receipt.verdict is Verdict.REJECT:
                code = REFUSED
                click.echo(f"{message.delivery_id}: {receipt.fault}: {push.fault_sentence(receipt)}")
            else:
                click.echo(f"{message.delivery_id}: {receipt.counts.get('results', 0)} results")
    return code


def _wanted(store: Store, numbers: tuple[int, ...]) -> list[QuarantinedMessage]:
    with read_transaction(store.engine) as connection:
        if not numbers:
            return kept_messages.quarantined_messages(connection)
        messages = [message for number in numbers for message in kept_messages.quarantined_messages(connection, number)]
    missing = set(numbers) - {message.delivery_id for message in messages}
    if missing:
        raise click.ClickException(f"Message {min(missing)} is not kept, or was accepted since.")
    return messages
