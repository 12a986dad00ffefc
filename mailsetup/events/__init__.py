"""Events for product code: what happened to a mail or a setup, told by signed webhooks."""
