"""Order intake: what runs in AWS Lambda between a partner's file and its outcome."""
