"""The results of a store written out for people, in SQL: what a row is worth within its slot, by another way.

A slot is one pupil, test and version, part, kind and date. A newer row supersedes an older one where either is "not
offered"; else both stay, and only the newest is shown. Of progress (kind 3) the newest replaces.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, text

from models.schema import database

SPELLED = """
WITH slots AS (
    SELECT r.*, i.pupil_id, i.parked_because,
           row_number() OVER slot AS place,
           coalesce(sum(CASE WHEN r.absence = 1 THEN 1 ELSE 0 END) OVER (
               PARTITION BY r.school_id, coalesce(i.pupil_id, -i.id), r.test_id, r.part_id, r.kind, r.taken_on
               ORDER BY r.created_us DESC, r.arrived_us DESC, r.digest64 DESC, r.absence IS NULL DESC, r.key DESC
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer_not_offered
    FROM results r
    JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
    WINDOW slot AS (
        PARTITION BY r.school_id, coalesce(i.pupil_id, -i.id), r.test_id, r.part_id, r.kind, r.taken_on
        ORDER BY r.created_us DESC, r.arrived_us DESC, r.digest64 DESC, r.absence IS NULL DESC, r.key DESC)
)
SELECT r.school_id, s.name AS school, src.key AS source, r.key,
       CASE r.kind WHEN 1 THEN 'score' WHEN 2 THEN 'oso' WHEN 3 THEN 'progress' ELSE 'other' END AS kind,
       CASE WHEN r.place = 1 THEN 'counts'
            WHEN r.kind = 3 OR r.absence = 1 OR r.newer_not_offered > 0 THEN 'superseded'
            ELSE 'possible duplicate' END AS standing,
       r.pupil_id, r.parked_because, t.code AS test_code, t.version AS test_version, d.name AS test_name,
       p.code AS part_code, r.taken_on, r.score_text, r.score / 10000.0 AS score,
       CASE r.absence WHEN 1 THEN 'not offered' WHEN 2 THEN 'no score' END AS absence,
       CASE r.status WHEN 1 THEN 'not begun' WHEN 2 THEN 'busy' WHEN 3 THEN 'done' END AS status,
       r.worked_ms, r.offered, r.made, r.correct, r.school_year, r.delivery_id
FROM slots r
JOIN schools s ON s.id = r.school_id
JOIN sources src ON src.id = r.source_id
JOIN tests t ON t.school_id = r.school_id AND t.id = r.test_id
JOIN test_definitions d ON d.school_id = r.school_id AND d.id = r.definition_id
LEFT JOIN parts p ON p.school_id = r.school_id AND p.id = r.part_id
"""


def spelled(engine: Engine) -> list[Row[*tuple[Any, ...]]]:
    """Every result, in order of the keys."""
    with database.read_transaction(engine) as connection:
        return list(connection.execute(text(f"{SPELLED} ORDER BY r.key")))
