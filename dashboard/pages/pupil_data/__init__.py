"""All data about one pupil: saved for who asks for it, or erased."""
