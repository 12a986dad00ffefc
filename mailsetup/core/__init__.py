"""What every feature rests on; knows no feature."""
