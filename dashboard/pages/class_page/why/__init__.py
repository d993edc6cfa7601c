"""The panel that explains how a number came about."""
