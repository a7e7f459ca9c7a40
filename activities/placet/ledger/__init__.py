"""The database of record: tables, migrations, writer, readers."""
