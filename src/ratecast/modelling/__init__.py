"""What models are made of: a ladder of rooms, each of which may use only those below it."""
