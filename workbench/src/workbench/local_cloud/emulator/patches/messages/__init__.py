"""EventBridge and SQS: events, what rules and retries deliver, queues."""
