"""Reading database changes: files, statements, operations, and the virtual model of the database they change."""
