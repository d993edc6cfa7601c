"""Mijn leerlingen and the hand-over."""
