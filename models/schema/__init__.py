"""The tables and their rows, the database engine, migrations, encryption, the clock."""
