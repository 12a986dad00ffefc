"""The setup wizard: drafts, steps, Microsoft consent, saving."""
