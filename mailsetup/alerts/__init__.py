"""What is wrong, who is told, and whether telling worked."""
