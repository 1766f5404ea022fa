"""Text messages: any provider's HTTP gateway, and a durable outbox before it."""
