"""How gunicorn hears requests and gives answers here: no thread waits for a slow caller."""
