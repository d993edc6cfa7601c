"""The pages Mijn leerlingen and hand-over."""
