"""Measures what design section 9 asks for, side by side with its yardsticks, in one run on one machine."""
