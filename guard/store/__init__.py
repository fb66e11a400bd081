"""The database: SQLite by default, Postgres for production. Keeps and gives back; it decides nothing."""
