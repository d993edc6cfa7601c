"""Messages that fill every column of `results`, and all that a store says of them by the names of its columns."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, insert, select, text

from models.access.viewer import Role, Viewer
from models.ingest import identity
from models.results import result_rows
from models.results.periods import of_school_year
from models.schema import database
from models.schema.tables import identifiers, pupils
from tests.uwlr.messages import message

OSO = "http://www.edustandaard.nl/oso_gegevensset/1.2/dossier"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NOA = 1
ADMINISTRATOR = Viewer(1, Role.ADMINISTRATOR, name="beheerder")
SUPPORT = Viewer(1, Role.SUPPORT)


def every_kind(score: int, made_on: str, prefix: str = "", pupil: str = "L1") -> bytes:
    """A message with a score, an OSO result and a progress record that depend on `score`, and a part not offered."""

    def result(key: str, content: str, day: str = "2026-11-10", part: str = "") -> str:
        code = f"<toetscode>T1</toetscode>{part}"
        return f'<resultaat key="{prefix}{key}"><afnamedatum>{day}</afnamedatum>{code}{content}</resultaat>'

    oso = (
        f"<o:aantalopgaven>40</o:aantalopgaven><o:aantalgoed>3{score}</o:aantalgoed><o:aantalfout>6</o:aantalfout>"
        "<o:aantalgelezen>39</o:aantalgelezen><o:tijd>1500</o:tijd>"
        f"<o:vaardigheidsscore>{score}.5</o:vaardigheidsscore>"
        "<o:codevaardigheidsschaal>REK</o:codevaardigheidsschaal>"
    )
    progress = (
        f"<v:status>bezig</v:status><v:tijd>PT1H2{score}M</v:tijd><v:aangeboden>24</v:aangeboden>"
        f"<v:gemaakt>1{score}</v:gemaakt><v:goed>{score}</v:goed>"
    )
    rows = (
        result("score", f"<score>{score}</score><infourl>https://toets.example/{score}</infourl>", "2026-11-09+01:00"),
        result("part", "<score>X</score>", part="<toetsonderdeelcode>P1</toetsonderdeelcode>"),
        result("oso", f'<osoresultaat xmlns:o="{OSO}"><o:toetsscore>{oso}</o:toetsscore></osoresultaat>'),
        result(
            "progress",
            f'<anderresultaat xmlns:v="urn:rondblik:voortgang:1" xmlns:i="{XSI}" i:type="v:Voortgang">{progress}'
            "</anderresultaat>",
        ),
    )
    return message(results="".join(rows), aanmaakdatum=f"{made_on}T10:00:00", leerlingid=pupil)


def with_pupil(engine: Engine) -> None:
    """A pupil to whom the results of the messages belong."""
    with database.write_transaction(engine, 1) as connection:
        connection.execute(insert(pupils).values(school_id=1, id=NOA, first_name="Noa"))
        parked = connection.scalar(select(identifiers.c.id).where(identifiers.c.pupil_id.is_(None)))
        assert parked is not None
        identity.link(connection, ADMINISTRATOR, parked, NOA)


def stored(engine: Engine, table: str) -> list[dict[str, object]]:
    """The rows of a table by the names that the database itself gives its columns; the digest of a value left out."""
    with database.read_transaction(engine) as connection:
        rows = connection.execute(text(f"SELECT * FROM {table}")).mappings().all()
    stored_rows = [{name: value for name, value in row.items() if name != "value_digest"} for row in rows]
    return sorted(stored_rows, key=lambda row: (str(row["key"]), str(row["score_text"]), str(row["made"])))


def read(engine: Engine) -> list[dict[str, object]]:
    """What the program reads of the results of the pupil."""

    def rows(connection: Connection) -> list[dict[str, object]]:
        owners = result_rows.pupil_identifiers(connection, SUPPORT, [NOA])
        result_row = result_rows.all_rows(connection, SUPPORT, owners, of_school_year("2026-2027"))
        return [row._asdict() for row in sorted(result_row, key=lambda row: row.key)]

    with database.read_transaction(engine) as connection:
        return rows(connection)
