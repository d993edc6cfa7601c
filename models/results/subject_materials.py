"""What results are put together by: a subject within a material of a source.

Two publishers may give their material the same name; they stay two.
"""

from __future__ import annotations

from typing import NamedTuple


class SubjectMaterial(NamedTuple):
    """A subject of a material of a source; ordered by subject, material and source."""

    subject: str
    material: str
    source_id: int

    @property
    def key(self) -> str:
        """Names it in pages and addresses."""
        return f"{self.subject}|{self.material}|{self.source_id}"


def subject_material_of_key(key: str) -> SubjectMaterial | None:
    """The field that a key names; None where it names none."""
    subject, _, rest = key.partition("|")
    material, _, source = rest.rpartition("|")
    if not (source.isascii() and source.isdigit() and len(source) < 10 and subject and material):
        return None
    return SubjectMaterial(subject, material, int(source))


def matches(subject_material: SubjectMaterial, subject: str | None, material: str | None) -> bool:
    """Whether a field is within a subject and material; None stands for all."""
    return subject in (None, subject_material.subject) and material in (None, subject_material.material)
