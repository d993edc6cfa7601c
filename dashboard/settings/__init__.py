"""The configuration, and the store that it leads to."""
