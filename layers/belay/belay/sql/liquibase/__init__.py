"""Liquibase's changelogs: XML, YAML, JSON and formatted SQL, as changes with the SQL that Liquibase generates."""
