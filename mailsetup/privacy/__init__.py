"""What a workspace holds of people: for how long it is kept, taking it away, erasing it."""
