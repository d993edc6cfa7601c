"""Sandboxes in which vendors test their connection."""
