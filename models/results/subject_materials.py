"""The key that results are grouped by: a subject within a material of a source.

Materials of two publishers may have the same name; they stay separate.
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
        """Its id in pages and addresses."""
        return f"{self.subject}|{self.material}|{self.source_id}"


def subject_material_of_key(key: str) -> SubjectMaterial | None:
    """The subject and material with this key; None if the key is malformed."""
    subject, _, rest = key.partition("|")
    material, _, source = rest.rpartition("|")
    if not (source.isascii() and source.isdigit() and len(source) < 10 and subject and material):
        return None
    return SubjectMaterial(subject, material, int(source))


def matches(subject_material: SubjectMaterial, subject: str | None, material: str | None) -> bool:
    """Whether it matches a subject and a material; None matches all."""
    return subject in (None, subject_material.subject) and material in (None, subject_material.material)
