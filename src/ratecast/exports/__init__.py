"""People's own ratings: exports of rating sites, and their titles matched to a catalogue."""
