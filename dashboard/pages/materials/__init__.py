"""The materials page."""
