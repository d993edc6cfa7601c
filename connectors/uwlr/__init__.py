"""The UWLR standard: its names, schemas, reader, writer and rules, in the Dutch nouns of the standard."""
