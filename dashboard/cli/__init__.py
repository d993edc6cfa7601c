"""The command line `rondblik`."""
