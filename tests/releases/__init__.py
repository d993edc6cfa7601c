"""Stores as released versions made them, and what those versions said of them."""
