"""What the functions share. It knows nothing of them."""
