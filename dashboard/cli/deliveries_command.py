"""The command `deliveries`: what came in."""

from __future__ import annotations

import json
from typing import Any

import click

from dashboard.cli.exit_codes import DONE
from dashboard.cli.findings import SHOWN, finding_text
from dashboard.settings.open_store import Options, open_store
from models.ingest import deliveries
from models.schema import clock


@click.command("deliveries")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a delivery.")
@click.pass_obj
def list_deliveries(options: Options, as_json: bool) -> int:
    """List what came in, newest first, and what became of it."""
    with open_store(options) as store:
        for delivery in deliveries.newest(store.engine):
            record = {
                "id": delivery.id,
                "source": delivery.source,
                "school": delivery.school,
                "what": delivery.what,
                "way": delivery.channel,
                "time": clock.from_us(delivery.received_us).astimezone(clock.AMSTERDAM).isoformat(timespec="seconds"),
                "verdict": delivery.verdict,
                "fault": delivery.fault,
                "findings": [{name: finding.get(name) for name in SHOWN} for finding in delivery.findings],
                "counts": delivery.counts,
                "digest": delivery.digest.hex(),
                "size": delivery.size,
            }
            if as_json:
                click.echo(json.dumps(record, ensure_ascii=False))
            else:
                _print_delivery(record)
    return DONE


def _print_delivery(record: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in record["counts"].items() if count)
    parts = [record["time"], record["source"] or "-", record["what"], record["verdict"], record["fault"] or "", counts]
    click.echo("  ".join(part for part in parts if part))
    for finding in record["findings"]:
        click.echo(f"    {finding_text(finding)}")
