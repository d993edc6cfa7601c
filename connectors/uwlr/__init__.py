"""The UWLR standard: names, schemas, reader, writer and rules. Elements keep the Dutch names of the standard."""
