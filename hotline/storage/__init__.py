"""What is kept: the database, the store of cases, what waits until the database is back, what became due."""
