"""The pupil page."""
