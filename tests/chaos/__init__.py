"""A campaign: thousands of mails while workers are killed and Redis and the database come and go."""
