"""What the queue and the outbox share on disk: tables, transactions, and which engines live."""
