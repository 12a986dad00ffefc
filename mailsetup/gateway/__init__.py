"""The SMTP door into the outbox, for programs that can only speak SMTP. Off unless it is configured."""
